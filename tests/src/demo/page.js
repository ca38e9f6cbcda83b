"use strict";
const at = (id) => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
const words = { good: "Good standing", grace: "In grace", lapsed: "Lapsed", held: "On hold", pending: "Not yet", stranger: "Not a member" };
const day = (ms) => new Date(ms).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

async function act(body) {
  const answer = await fetch("/do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  at("problem").textContent = answer.ok ? "" : await answer.text();
  await refresh();
}

const button = (label, body, kind = "") => {
  const node = make("button", { textContent: label, className: kind });
  node.addEventListener("click", () => act(body));
  return node;
};

const sentence = (member) => {
  const standing = member.standing ?? { state: "stranger" };
  const end = standing.until ?? standing.since;
  const word = standing.state === "lapsed" ? "since" : "until";
  return words[standing.state] + (end ? `, ${word} ${day(end)}` : "");
};

function door(shown) {
  const state = shown.cut ? "network cut" : shown.connected ? "in contact" : "connecting";
  return make("article", { className: "door" + (shown.released ? " released" : "") },
    make("div", { className: "leaf" }),
    make("div", {},
      make("h2", { textContent: shown.title }),
      make("div", { className: "state", textContent: shown.released ? "Lock released" : "Locked" }),
      make("p", { className: "say", textContent: shown.sentence || "Nobody has tapped yet." }),
      make("p", { className: "facts", textContent: shown.reason ? `${shown.reason}, decided in ${shown.milliseconds.toFixed(2)} ms` : "\u00a0" }),
      make("p", { className: "facts", textContent: `list ${shown.revision}, ${shown.cards} cards, ${state}, last head ${shown.contact_seconds} s ago` })));
}

function member(shown, doors) {
  const standing = make("p", { className: "standing " + (shown.standing?.state ?? "stranger"), textContent: sentence(shown) });
  const taps = make("div", { className: "row" }, ...doors.map((door) => button(`Tap at ${door.title}`, { do: "tap", member: shown.id, door: door.door }, "tap")));
  const stripe = shown.customer ? make("div", { className: "row" },
    button("Pay", { do: "pay", member: shown.id }), button("Fail payment", { do: "fail", member: shown.id }),
    button("Change tier", { do: "tier", member: shown.id }), button("Gift card", { do: "gift", member: shown.id }),
    button(shown.ending ? "Keep membership" : "Cancel at period end", { do: "cancel", member: shown.id })) : "";
  return make("article", { className: "member" },
    make("h3", {}, shown.name, make("span", { className: "story", textContent: ` · ${shown.story}` })), standing, taps, stripe);
}

let last = "";
async function refresh() {
  const state = await (await fetch("/state")).json();
  at("clock").textContent = day(state.now);
  at("cut").setAttribute("aria-pressed", state.cut);
  at("cut").textContent = state.cut ? "Restore the network" : "Cut the network";
  at("doors").replaceChildren(...state.doors.map(door));
  // Buttons are made anew only when something about members changed, so that none vanishes under a finger.
  const members = JSON.stringify(state.members);
  if (members !== last) {
    last = members;
    at("members").replaceChildren(...state.members.map((shown) => member(shown, state.doors)));
  }
  at("log").replaceChildren(...state.log.map((line) => make("li", { textContent: line })));
  at("connect").replaceChildren(...state.connect.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
}

for (const node of document.querySelectorAll("[data-do]")) {
  node.addEventListener("click", () => act({ do: node.dataset.do, hours: Number(node.dataset.hours ?? 0) }));
}
setInterval(() => refresh().catch(() => { at("problem").textContent = "The demo has ended."; }), 400);
refresh();
