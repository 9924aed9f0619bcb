// A region of the page that is rendered anew while a validation runs in it.

import { follow } from "../live.js";
import { refresh } from "../regions.js";

const REFRESH_MS = 3000;
const HIDDEN_MS = 30_000;

/**
 * Watches the region with this selector: at once if it says data-live="true", else from `now()` on.
 * @returns {{now: () => Promise<void>}} `now` renders it anew and goes on as long as something runs
 */
export function watch(selector) {
  const region = () => document.querySelector(selector);
  const isLive = () => region().dataset.live === "true";
  let following = null;

  function start() {
    following = follow({
      everyMs: REFRESH_MS,
      hiddenMs: HIDDEN_MS,
      ask: async () => {
        await refresh(selector);
        if (!isLive()) following = null;
        return isLive();
      },
    });
  }

  if (isLive()) start();
  return { now: async () => (following ? following.now() : start()) };
}
