// The log's last lines, while its tab is open. It follows new lines only for a reader who is at its end.

import { call } from "../api.js";
import { count } from "../format.js";

const NEAR_END_PX = 8;

const panel = document.getElementById("panel-logs");
const log = document.getElementById("log");
const follow = document.getElementById("log-follow");
let url = null;
let isBehind = true;
let isFollowed = true;

/** Brings the tab to life; lines are fetched when it is open. */
export function enliven(jobUrl) {
  url = jobUrl;
  panel.addEventListener("tab-open", () => {
    if (isFollowed) goToEnd(); // a hidden box cannot scroll
    show();
  });
  log.addEventListener("scroll", () => {
    if (panel.hidden) return;
    isFollowed = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
    if (isFollowed) follow.hidden = true;
  });
  follow.addEventListener("click", () => {
    goToEnd();
    log.focus();
  });
  if (!panel.hidden) goToEnd();
  show();
}

/** To be called when the job has changed, or may have. */
export function jobChanged() {
  isBehind = true;
  show();
}

async function show() {
  if (url === null || panel.hidden || !isBehind) return;
  isBehind = false;
  try {
    const { lines, total_lines: total } = await call(`${url}/logs`);
    write(lines);
    document.getElementById("log-count").textContent =
      total > lines.length ? `last ${count(lines.length)} of ${count(total)} lines` : `${count(total)} lines`;
    document.getElementById("log-whole").hidden = total === 0;
  } catch {
    isBehind = true; // the next change or opening asks again
  }
}

function write(lines) {
  const text = lines.length ? lines.join("\n") : "No lines yet.";
  if (text === log.textContent) return;
  log.textContent = text;
  if (isFollowed) goToEnd();
  else follow.hidden = false;
}

function goToEnd() {
  log.scrollTop = log.scrollHeight;
  isFollowed = true;
  follow.hidden = true;
}
