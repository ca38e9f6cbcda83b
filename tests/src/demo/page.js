"use strict";
const at = (id) => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
// What already stands there is left alone, so that a selection and the keyboard's focus survive.
const set = (node, props) => {
  for (const [name, value] of Object.entries(props)) {
    if (node[name] !== value) node[name] = value;
  }
};
const words = { good: "Good standing", grace: "In grace, a payment is missing", lapsed: "Lapsed", held: "On hold", pending: "Not yet", stranger: "Not a member" };

let now = 0;
const glue = (text) => text.replaceAll(/[\s\u202f]/g, "\u00a0");
const time = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
function day(ms) {
  const year = new Date(ms).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const date = new Date(ms).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short", ...year });
  return glue(`${date}, ${time(ms)}`);
}
function ago(seconds) {
  const [size, word] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([size]) => seconds >= size) ?? [];
  if (!size) return "just now";
  const count = Math.floor(seconds / size);
  return `${count} ${word}${count === 1 ? "" : "s"} ago`;
}
const list = (names, word = "and") => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;

async function act(body) {
  const answer = await fetch("/do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  // What the demo itself refuses is in its log already.
  at("problem").textContent = answer.ok || answer.status === 422 ? "" : await answer.text();
  await refresh();
}

const press = (body) => act(body).catch(gone);
const button = (label, body, kind = "") => {
  const node = make("button", { textContent: label, className: kind });
  node.addEventListener("click", () => press(body));
  return node;
};
const row = (...children) => make("div", { className: "row" }, ...children);

const sentence = (standing) => {
  const end = standing.state === "pending" ? standing.from : standing.until ?? standing.since;
  const word = { lapsed: "since", pending: "from" }[standing.state] ?? "until";
  return words[standing.state] + (end ? `, ${word} ${day(end)}` : "");
};

function newDoor(shown) {
  const part = { state: make("div", { className: "state" }), say: make("p", { className: "say" }), note: make("p", { className: "note" }), facts: make("p", { className: "facts" }) };
  const root = make("article", {},
    make("div", { className: "leaf" }),
    make("div", {}, make("h2", { textContent: shown.title }),
      make("p", { className: "opens", textContent: `Opens for ${list(shown.tiers)}` }),
      part.state, part.say, part.note, part.facts));
  return { root, show: (shown) => showDoor(root, part, shown) };
}

function showDoor(root, part, shown) {
  set(root, { className: "door" + (shown.released ? " released" : "") });
  const still = shown.released && shown.opener && shown.opener !== shown.who ? "still open" : "open";
  const whose = shown.opener ? `${still} for ${shown.opener}` : "open";
  set(part.state, { textContent: shown.released ? `Lock ${whose}` : "Locked" });
  set(part.say, {
    className: !shown.who ? "say" : shown.granted ? "say yes" : "say no",
    textContent: shown.who ? `${shown.who}: ${shown.sentence}` : "Nobody has tapped yet.",
    title: shown.who ? `Reason: ${shown.reason}; decided at the door in ${shown.milliseconds.toFixed(2)} ms` : "",
  });
  set(part.note, { textContent: shown.note });
  const contact = shown.cut ? "Network cut" : shown.connected ? "In contact" : "Connecting";
  set(part.facts, {
    textContent: `${contact}; ` + (shown.revision === "none" ? "has no list yet." :
      `heard from the server ${ago(shown.contact_seconds)}. Decides alone, from its own list of ${shown.cards} cards.`),
    title: `List revision ${shown.revision}`,
  });
}

function newMember(first, doors) {
  const id = first.id;
  const part = {
    standing: make("p"), tier: make("span", { className: "tier" }),
    stripe: first.customer ? {
      fail: button("Fail payment", { do: "fail", member: id }), tier: button("Change tier", { do: "tier", member: id }),
      gift: button("Gift card", { do: "gift", member: id }), cancel: button("", { do: "cancel", member: id }) } : {},
    hold: button("", { do: "hold", member: id }), cash: button("Pay cash, 30 days", { do: "cash", member: id }),
  };
  const pay = first.customer ? [button("Pay", { do: "pay", member: id })] : [];
  const root = make("article", { className: "member" },
    make("h3", {}, first.name, part.tier), make("p", { className: "story", textContent: first.story }), part.standing,
    row(...doors.map((door) => button(`Tap at ${door.title}`, { do: "tap", member: id, door: door.door }, "tap"))),
    row(...pay, ...Object.values(part.stripe), part.cash, part.hold));
  return { root, show: (shown) => showMember(part, shown) };
}

function showMember(part, shown) {
  const standing = shown.standing ?? { state: "stranger" };
  set(part.standing, { className: "standing " + standing.state, textContent: sentence(standing) });
  set(part.tier, { textContent: list(shown.tiers ?? []), hidden: !shown.tiers?.length });
  for (const node of Object.values(part.stripe)) {
    set(node, { disabled: !shown.subscribed, title: shown.subscribed ? "" : "No subscription runs; Pay begins a new one." });
  }
  if (part.stripe.cancel) set(part.stripe.cancel, { textContent: shown.ending ? "Keep membership" : "Cancel at period end" });
  set(part.cash, { hidden: shown.subscribed });
  set(part.hold, { textContent: standing.state === "held" ? "Lift hold" : "Put on hold" });
}

const drawn = new Map();
function draw(parent, key, shown, build) {
  if (!drawn.has(key)) {
    drawn.set(key, build(shown));
    at(parent).append(drawn.get(key).root);
  }
  drawn.get(key).show(shown);
}

let newest = 0;
function tell(lines) {
  const line = (tag, { at, kind, text }) => make(tag, { className: kind }, make("time", { textContent: day(at) }), ` ${text}`);
  const fresh = lines.filter(({ number }) => number > newest);
  if (fresh.length) {
    at("log").prepend(...fresh.map((told) => line("li", told)));
    at("news").replaceChildren(...lines.slice(0, 2).map((told) => line("span", told)));
    newest = fresh[0].number;
  }
  while (at("log").children.length > lines.length) at("log").lastChild.remove();
}

async function refresh() {
  const state = await (await fetch("/state")).json();
  set(at("clock"), { textContent: day(state.now) });
  set(at("cut"), { ariaPressed: String(state.cut), textContent: state.cut ? "Restore the network" : "Cut the network" });
  for (const shown of state.doors) draw("doors", `door ${shown.door}`, shown, newDoor);
  for (const shown of state.members) draw("members", `member ${shown.id}`, shown, (first) => newMember(first, state.doors));
  tell(state.log);
  if (!at("connect").firstChild) {
    at("connect").append(...state.connect.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
  }
}

const gone = () => set(at("problem"), { textContent: "The demo has ended." });
for (const node of document.querySelectorAll("[data-do]")) {
  node.addEventListener("click", () => press({ do: node.dataset.do, hours: Number(node.dataset.hours ?? 0) }));
}
setInterval(() => refresh().catch(gone), 400);
refresh().catch(gone);
