// The list: filters apply as they change; rows are refreshed while a job on the page is active.

import { follow } from "./live.js";
import { refresh } from "./regions.js";

const REFRESH_MS = 10_000;
const HIDDEN_MS = 60_000;

const filters = document.querySelector(".filters");
filters?.querySelector("select").addEventListener("change", () => filters.requestSubmit());

const isLive = () => document.getElementById("jobs").dataset.live === "true";

if (isLive()) {
  const section = () => document.getElementById("jobs");
  follow({
    everyMs: REFRESH_MS,
    hiddenMs: HIDDEN_MS,
    ask: async () => {
      await refresh("#jobs");
      return isLive();
    },
    onStale: (seconds) => section().setAttribute("data-stale", `Data is ${seconds} s old — retrying`),
    onFresh: () => section().removeAttribute("data-stale"),
  });
}
