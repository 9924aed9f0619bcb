// The log's last lines, while its tab is open: only new ones are fetched. It follows them for a reader who is at its
// end, and stands still for one who reads further up or has paused it.

import { call } from "../api.js";
import { count } from "../format.js";
import { elementOf, fits } from "./lines.js";

const NEAR_END_PX = 8;
const MOST_LINES = 2000;
// Of a run that has ended the last lines come a little later: asked for so often, each time after twice as long.
const LAST_TRIES = 5;
const FIRST_WAIT_MS = 2000;

const at = (id) => document.getElementById(id);
const [panel, log, follow, pause] = ["panel-logs", "log", "log-follow", "log-pause"].map(at);
let url = null;
let lines = [];
let total = 0;
let attempt = null;
let isBehind = true;
let isAsking = false;
let isFollowed = true;
let isPaused = false;
let hasEnded = false;
let triesLeft = LAST_TRIES;

/** Brings the tab to life; lines are fetched when it is open. */
export function enliven(jobUrl) {
  url = jobUrl;
  at("log-tools").hidden = false;
  panel.addEventListener("tab-open", () => {
    if (isFollowed) goToEnd(); // a hidden box cannot scroll
    fetchNew();
  });
  log.addEventListener("scroll", () => {
    if (panel.hidden) return;
    isFollowed = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
    if (isFollowed) follow.hidden = true;
  });
  for (const button of [follow, at("log-end")]) {
    button.addEventListener("click", () => {
      goToEnd();
      log.focus();
    });
  }
  pause.addEventListener("click", togglePause);
  at("log-filter").addEventListener("input", showAll);
  at("log-level").addEventListener("change", showAll);
  at("log-wrap").addEventListener("change", (event) => log.classList.toggle("log-wrap", event.target.checked));
  if (!panel.hidden) goToEnd();
  fetchNew();
}

/** To be called when the job has changed, or may have. Another attempt's log has a heading of its own. */
export function jobChanged(job) {
  if (attempt !== null && attempt !== job.attempt) total = 0;
  attempt = job.attempt;
  hasEnded = job.completed_at !== null;
  isBehind = true;
  fetchNew();
}

function togglePause() {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  pause.textContent = isPaused ? "Go on" : "Pause";
  if (!isPaused) fetchNew();
}

/** One question at a time: lines of two answers would be taken for all there are. */
async function fetchNew() {
  if (url === null || panel.hidden || isPaused || isAsking || !isBehind) return;
  isAsking = true;
  isBehind = false;
  const after = total;
  let isLost = false;
  try {
    const answer = await call(`${url}/logs?after=${after}`);
    if (after === total) take(answer, after); // else another attempt has begun, and all is asked for anew
    if (hasEnded && !answer.complete && triesLeft > 0) later();
  } catch {
    isLost = true;
  }
  isAsking = false;
  if (isLost) isBehind = true; // the next change or opening asks again
  else fetchNew(); // what has changed meanwhile
}

function later() {
  setTimeout(
    () => {
      isBehind = true;
      fetchNew();
    },
    FIRST_WAIT_MS * 2 ** (LAST_TRIES - triesLeft),
  );
  triesLeft -= 1;
}

function take(answer, after) {
  const isWhole = after === 0 || answer.total_lines - after !== answer.lines.length;
  total = answer.total_lines;
  at("log-whole").hidden = total === 0;
  if (isWhole) {
    lines = answer.lines;
    showAll();
  } else if (answer.lines.length) {
    lines.push(...answer.lines);
    show(answer.lines);
  }
}

const wanted = () => ({ text: at("log-filter").value.trim(), level: at("log-level").value });

/** All lines anew: there are others, or others are wanted. */
function showAll() {
  log.replaceChildren();
  show(lines);
}

/** Further lines below those that are there. */
function show(further) {
  const filter = wanted();
  const fitting = further.filter((line) => fits(line, filter));
  if (log.firstChild?.nodeType === Node.TEXT_NODE) log.replaceChildren();
  log.append(...fitting.map((line) => elementOf(line, filter.text)));
  if (lines.length > MOST_LINES) lines = lines.slice(-MOST_LINES);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (!log.childElementCount) log.textContent = lines.length ? "No line fits." : "No lines yet.";
  at("log-count").textContent = counted(filter);
  if (isFollowed) goToEnd();
  else if (fitting.length) follow.hidden = false;
}

function counted({ text, level }) {
  const held = total > lines.length ? `last ${count(lines.length)} of ${count(total)} lines` : `${count(total)} lines`;
  return text || level ? `${count(log.childElementCount)} of the ${held} fit` : held;
}

function goToEnd() {
  log.scrollTop = log.scrollHeight;
  isFollowed = true;
  follow.hidden = true;
}
