// Asking again and again, with manners: slower in a hidden tab, on through lost networks and restarts.

import * as stale from "./stale.js";

const FAILURE_SHOWN_EVERY_MS = 1000;
const LONGEST_MS = 60_000;

/**
 * Calls `ask()` now and then every `everyMs` (`hiddenMs` in a hidden tab) until it returns false.
 * One at a time; after an `ask` that throws the wait doubles with each further failure, up to a minute, and is
 * at least the error's `retryAfter` seconds.
 * While answers are missing the page says so, in `note`: by default its element of components/stale.html (stale.js).
 * A tab that is shown again, a machine that wakes up and a network that is back ask at once.
 * Refused for good (`error.isFinal`) it ends. Logged out it rests until then: the reader may log in in another tab.
 * @returns {{now: () => void, stop: () => void}} `now` asks at once
 */
export function follow({ ask, everyMs, hiddenMs, note = stale }) {
  let timer = null;
  let ticker = null;
  let asking = false;
  let stopped = false;
  let askAgain = false;
  let failures = 0;
  let reason = null;
  let heldMs = 0;
  let answeredAt = Date.now();
  let nextAt = Date.now();

  async function turn() {
    clearTimeout(timer);
    if (stopped) return;
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    if (ticker) show();
    let isLoggedOut = false;
    try {
      const goOn = await ask();
      answered();
      if (goOn === false) stop();
    } catch (error) {
      isLoggedOut = error.status === 401;
      if (isLoggedOut) quieten();
      else if (error.isFinal) end(error);
      else missed(error);
    }
    asking = false;
    if (stopped) return;
    if (askAgain) {
      askAgain = false;
      turn();
    } else if (!isLoggedOut) {
      wait();
    }
  }

  function wait() {
    const pace = document.hidden ? hiddenMs : everyMs;
    const ms = Math.max(pace, heldMs, Math.min(LONGEST_MS, everyMs * 2 ** Math.max(0, failures - 1)));
    nextAt = Date.now() + ms;
    timer = setTimeout(turn, ms);
    if (ticker) show();
  }

  function answered() {
    answeredAt = Date.now();
    failures = 0;
    heldMs = 0;
    quieten();
  }

  function quieten() {
    if (!ticker) return;
    clearInterval(ticker);
    ticker = null;
    note.hide();
  }

  function missed(error) {
    failures += 1;
    reason = error;
    heldMs = (error.retryAfter ?? 0) * 1000;
    ticker ??= setInterval(show, FAILURE_SHOWN_EVERY_MS);
    show();
  }

  function show() {
    const left = asking ? 0 : Math.max(0, Math.ceil((nextAt - Date.now()) / 1000));
    note.show(Math.round((Date.now() - answeredAt) / 1000), left, reason, turn);
  }

  function stop() {
    stopped = true;
    clearTimeout(timer);
    clearInterval(ticker);
  }

  function end(error) {
    stop();
    note.end(error);
  }

  /** Timers do not run while a machine sleeps: what is overdue when it wakes is done at once. */
  function wake() {
    if (!document.hidden) turn();
  }

  document.addEventListener("visibilitychange", wake);
  addEventListener("pageshow", (event) => event.persisted && wake());
  addEventListener("online", turn);
  turn();
  return { now: turn, stop };
}
