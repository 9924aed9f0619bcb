// The bell on every page: its number, the same in the tab's title, and what just came as a toast.
// Pages that show notifications hear of a change by the event "unread" of the document.

import { callIfChanged } from "./api.js";
import { follow } from "./live.js";
import { toast } from "./toast.js";

const EVERY_MS = 15_000;
const HIDDEN_MS = 120_000;
const MOST = 99;

const bell = document.getElementById("bell");
let unread = Number(bell?.dataset.unread ?? 0);
let newest = null;
let etag = null;

if (bell) {
  titled();
  follow({ ask, everyMs: EVERY_MS, hiddenMs: HIDDEN_MS, onStale: () => {}, onFresh: () => {} });
  // Pages that rename their tab keep the number.
  new MutationObserver(titled).observe(document.querySelector("title"), { childList: true });
}

async function ask() {
  const isFirst = etag === null;
  const answer = await callIfChanged("/api/notifications/unread", etag).catch((error) => {
    throw Object.assign(error, { final: error.status === 401 });
  });
  etag = answer.etag;
  if (!answer.changed) return;
  const before = { unread, newest };
  unread = answer.data.unread;
  newest = answer.data.newest?.id ?? null;
  show();
  if (!isFirst && unread > before.unread && newest !== before.newest) tell(answer.data.newest);
  if (!isFirst || unread !== before.unread) document.dispatchEvent(new CustomEvent("unread"));
}

function show() {
  let count = bell.querySelector(".bell-count");
  if (unread === 0) count?.remove();
  else {
    if (!count) bell.append((count = Object.assign(document.createElement("span"), { className: "bell-count" })));
    const words = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: " unread" });
    count.replaceChildren(unread > MOST ? `${MOST}+` : String(unread), words);
  }
  titled();
}

function titled() {
  const name = document.title.replace(/^\(\d+\+?\) /, "");
  const wanted = unread ? `(${unread > MOST ? `${MOST}+` : unread}) ${name}` : name;
  if (document.title !== wanted) document.title = wanted;
}

/** What matters and is not what this page shows already. */
function tell(notification) {
  if (notification.priority !== "high" || document.hidden) return;
  if (location.pathname === "/notifications" || notification.action_url === location.pathname) return;
  toast(notification.title);
}
