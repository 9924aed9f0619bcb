// A webhook's log, while something is to be sent soon: it shows what comes of it. Nothing moves under a reader who has
// opened the tries of a delivery or is about to press a button.

import { follow } from "./live.js";
import { refresh } from "./regions.js";

const REFRESH_MS = 3000;
const HIDDEN_MS = 60_000;

const log = () => document.getElementById("log");
const isLive = () => log().dataset.live === "true";

if (isLive()) {
  follow({
    everyMs: REFRESH_MS,
    hiddenMs: HIDDEN_MS,
    ask: async () => {
      if (!log().querySelector(":focus-visible, details[open]")) await refresh("#log");
      return isLive();
    },
  });
}
