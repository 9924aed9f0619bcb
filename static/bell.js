// The bell on every page: its number, the same in the tab's title, and what just came as a toast.
// What shows notifications besides listens: it is told of a change, and again until it has shown it.

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
let isOwed = false; // news that somebody could not show yet
const listeners = [];
// Missing answers are a matter of the page that shows more than a number.
const note = { show: () => {}, hide: () => {}, end: () => {} };

/** `onNews()` shows what has changed; where it throws it is called again. `says`, if given, tells of missing answers. */
export function listen({ onNews, says = {} }) {
  listeners.push(onNews);
  Object.assign(note, says);
}

let live = null;

/** Asks at once: something was marked as read here. */
export const askNow = () => live?.now();

if (bell) {
  titled();
  live = follow({ ask, everyMs: EVERY_MS, hiddenMs: HIDDEN_MS, note });
  // Pages that rename their tab keep the number.
  new MutationObserver(titled).observe(document.querySelector("title"), { childList: true });
}

async function ask() {
  const isFirst = etag === null;
  const answer = await callIfChanged("/api/notifications/unread", etag);
  if (!answer.changed) return;
  const before = { unread, newest };
  unread = answer.data.unread;
  newest = answer.data.newest?.id ?? null;
  show();
  if (!isFirst && unread > before.unread && newest !== before.newest) tell(answer.data.newest);
  isOwed ||= !isFirst || unread !== before.unread;
  if (isOwed) await Promise.all(listeners.map((onNews) => onNews()));
  isOwed = false;
  etag = answer.etag; // only now: what could not be shown is asked for again
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
