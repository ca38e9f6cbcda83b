"use strict";
// Pages work without this; with it a search answers while it is typed, and what happens is shown when it happens.
const fetched = async (address, options) => {
  const answer = await fetch(address, options);
  if (!answer.ok || answer.redirected) {
    location.reload();
    return null;
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

for (const form of document.querySelectorAll("form[data-live]")) {
  const target = document.querySelector(form.dataset.live);
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const page = await fetched(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const found = page?.querySelector(form.dataset.live);
    if (mine === asked && found) target.replaceChildren(...found.childNodes);
  };
  form.addEventListener("input", ask);
}

const parts = document.querySelectorAll("[data-follow]");
if (parts.length > 0) {
  let source = null;
  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      const page = await fetched(location.href).catch(() => null);
      for (const part of parts) {
        const found = page?.getElementById(part.id);
        if (found && found.innerHTML !== part.innerHTML) part.replaceChildren(...found.childNodes);
      }
    } while (again);
    busy = false;
  };
  const listen = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource(parts[0].dataset.follow);
    source.onmessage = refresh;
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}
