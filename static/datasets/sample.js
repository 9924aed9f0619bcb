// Another example without loading the page anew. The same links and forms do it without this script.

import { refresh } from "../regions.js";

const REGION = "#sample";

/** @param {HTMLElement} said tells a screen reader which example is shown now */
export function enlivenSample(said) {
  let shown = location.search;
  let isBusy = false;

  document.addEventListener("click", (event) => {
    const link = event.target.closest(`${REGION} a[href^="?"]`);
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.href);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.closest(REGION)) return;
    event.preventDefault();
    go(`?${new URLSearchParams(new FormData(event.target))}${REGION}`);
  });
  addEventListener("popstate", () => location.search !== shown && show());

  function go(url) {
    if (isBusy) return; // a key that is held down
    history.pushState(null, "", url);
    show();
  }

  async function show() {
    isBusy = true;
    shown = location.search;
    document.querySelector(REGION)?.setAttribute("aria-busy", "true");
    try {
      await refresh(REGION);
    } catch {
      location.reload(); // the plain way shows what is wrong
      return;
    }
    isBusy = false;
    said.textContent = document.getElementById("sample-place")?.textContent ?? "";
    // What was pressed may be gone ("Last" at the last one): its neighbour goes on.
    if (document.activeElement.matches(`body, ${REGION}`)) document.querySelector(`${REGION} .sample-pages a`)?.focus();
  }
}
