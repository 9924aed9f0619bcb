// The bell opens the newest notifications in place. Without scripts, with a key held, and on the page that has them all,
// it is the link that it looks like.

import { call } from "./api.js";
import { askNow, listen } from "./bell.js";
import { fetchPart, keepingFocus } from "./parts.js";
import { showProblem } from "./problem.js";
import { toast } from "./toast.js";

const bell = document.getElementById("bell");
const news = document.getElementById("bell-news");
let etag = null;
let questions = 0;

if (bell && !bell.hasAttribute("aria-current")) {
  bell.setAttribute("aria-haspopup", "dialog");
  bell.setAttribute("aria-controls", news.id);
  expanded(false);
  bell.addEventListener("click", pressed);
  news.addEventListener("click", ({ target }) => target.closest("#bell-read-all") && markAll());
  document.addEventListener("keydown", (event) => event.key === "Escape" && close({ giveFocusBack: true }));
  for (const type of ["click", "focusin"]) {
    document.addEventListener(type, ({ target }) => target.isConnected && !bell.parentElement.contains(target) && close());
  }
  listen({ onNews: () => (news.hidden ? null : show()) });
}

function pressed(event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (news.hidden) open();
  else close({ giveFocusBack: true });
}

function open() {
  news.hidden = false;
  expanded(true);
  news.focus();
  return show();
}

function close({ giveFocusBack = false } = {}) {
  if (news.hidden) return;
  news.hidden = true;
  expanded(false);
  if (giveFocusBack) bell.focus();
}

function expanded(isOpen) {
  bell.setAttribute("aria-expanded", String(isOpen));
}

async function show() {
  const question = ++questions;
  try {
    const answer = await fetchPart("newest", bell.href, { etag });
    if (question < questions) return; // the answer to a later question is newer
    etag = answer.etag;
    if (answer.changed) keepingFocus(news, () => news.replaceChildren(answer.content), news);
    news.removeAttribute("aria-busy");
  } catch (error) {
    if (question < questions) return;
    etag = null;
    showProblem(news, error, show);
  }
}

async function markAll() {
  try {
    await call("/api/notifications/read-all", { method: "POST" });
    askNow();
  } catch (error) {
    toast(`Not marked as read: ${error.message}`, "bad");
  }
}
