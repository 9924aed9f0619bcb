// How it stands: the sentence of the API, whom the job waits for, and clocks that tick on between two answers.

import { ABSENT, duration } from "../format.js";
import { put, write } from "./write.js";

const box = document.getElementById("situation");
const words = JSON.parse(document.getElementById("waits-for-words").textContent);

let clocks = {};
let receivedAt = 0;
let phasesSeenAt = Date.now();

/** Shows a situation as the API told it just now. */
export function show(situation) {
  clocks = situation.clocks;
  receivedAt = Date.now();
  const { word, icon } = words[situation.waits_for];
  write({ sentence: situation.sentence, waits_for: word });
  const use = box.querySelector(".situation-icon use");
  const shape = `${document.body.dataset.icons}#${situation.is_trouble ? "alert" : icon}`;
  if (use.getAttribute("href") !== shape) use.setAttribute("href", shape);
  box.toggleAttribute("data-trouble", situation.is_trouble);
  tick();
}

/** To be called when the server has rendered the phases anew: their times are as of then. */
export function phasesAreFresh() {
  phasesSeenAt = Date.now();
}

/** Lets every clock show the present. */
export function tick() {
  const since = (Date.now() - receivedAt) / 1000;
  for (const [name, clock] of Object.entries(clocks)) {
    const shown = box.querySelector(`[data-clock="${name}"]`);
    const age = clock.seconds_ago === null ? null : clock.seconds_ago + since;
    put(shown.querySelector("[data-clock-text]"), age === null ? ABSENT : `${duration(age)} ago`);
    shown.toggleAttribute("data-late", age !== null && age > clock.normal_seconds);
  }
  for (const time of document.querySelectorAll("[data-counts-from]")) {
    put(time, duration(Number(time.dataset.countsFrom) + (Date.now() - phasesSeenAt) / 1000));
  }
}
