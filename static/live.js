// Asking again and again, with manners: slower in a hidden tab, on through lost networks and restarts.

const FAILURE_SHOWN_EVERY_MS = 1000;

/**
 * Calls `ask()` now and then every `everyMs` (`hiddenMs` in a hidden tab) until it returns false.
 * One at a time; an `ask` that throws is repeated at the same pace. While answers are missing
 * `onStale(seconds)` is called every second with the age of the last answer, and `onFresh()` once
 * when the next one comes. An `ask` that throws an error with `final` set ends it.
 * @returns {{now: () => void, stop: () => void}} `now` asks at once
 */
export function follow({ ask, everyMs, hiddenMs, onStale, onFresh }) {
  let timer = null;
  let ticker = null;
  let asking = false;
  let stopped = false;
  let askAgain = false;
  let answeredAt = Date.now();

  async function turn() {
    clearTimeout(timer);
    if (stopped) return;
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    try {
      const goOn = await ask();
      answered();
      if (goOn === false) stop();
    } catch (error) {
      if (error.final) stop();
      else missed();
    }
    asking = false;
    if (stopped) return;
    if (askAgain) {
      askAgain = false;
      turn();
    } else {
      timer = setTimeout(turn, document.hidden ? hiddenMs : everyMs);
    }
  }

  function answered() {
    answeredAt = Date.now();
    if (!ticker) return;
    clearInterval(ticker);
    ticker = null;
    onFresh();
  }

  function missed() {
    const show = () => onStale(Math.round((Date.now() - answeredAt) / 1000));
    show();
    ticker ??= setInterval(show, FAILURE_SHOWN_EVERY_MS);
  }

  function stop() {
    stopped = true;
    clearTimeout(timer);
    clearInterval(ticker);
  }

  document.addEventListener("visibilitychange", () => document.hidden || turn());
  addEventListener("online", turn);
  turn();
  return { now: turn, stop };
}
