// The page in place of one that did not come (templates/offline.html): says why, and goes on when there is an answer.
// No module: it runs before anything is painted, and imports would need addresses that are kept as well.

const ASK_EVERY_MS = 5000;
const PATIENCE_MS = 5000;

// The page is the same for all, so no server has written the reader's colours into it (theme.js).
const theme = document.cookie.match(/(?:^|; )theme=(light|dark)(?:;|$)/)?.[1];
if (theme) document.querySelector('meta[name="color-scheme"]').content = theme;

let timer = null;

document.addEventListener("DOMContentLoaded", () => {
  if (location.pathname === "/offline") return; // looked at for itself: there is nothing to wait for
  document.querySelector("[data-again]").addEventListener("click", (event) => {
    event.preventDefault(); // a link to here would lose the address's fragment
    location.reload();
  });
  for (const change of ["online", "offline"]) addEventListener(change, ask);
  tell();
  wait();
});

function tell() {
  for (const words of document.querySelectorAll("[data-away]")) {
    words.dataset.offline ??= words.textContent;
    words.textContent = navigator.onLine ? words.dataset.away : words.dataset.offline;
  }
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(ask, ASK_EVERY_MS);
}

/** Whoever answers, a hotel's portal too, is what the reader has to see now. */
async function ask() {
  tell();
  const answer = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (answer?.ok) location.reload();
  else wait();
}
