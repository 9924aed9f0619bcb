// The server writes times in UTC; here they become the reader's own clock.

import { moment } from "./format.js";

/** Rewrites every <time datetime> below `root`; what it said in UTC stays as its title. */
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent.trim();
    time.textContent = moment(time.dateTime);
  }
}
