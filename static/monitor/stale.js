// What the page says while answers are missing, and when it is no longer kept up to date.

import { duration } from "../format.js";
import { put } from "./write.js";

const alert = document.getElementById("stale");
const button = document.getElementById("retry-now");

/** Brings the button to life: `retry` asks at once. */
export function enliven(retry) {
  button.addEventListener("click", retry);
}

/** `seconds` is the age of what the page shows, `next` the seconds until it is asked again. */
export function show(seconds, next) {
  say(`Data is ${duration(seconds)} old. ${next ? `Next try in ${duration(next)}.` : "Trying again…"}`);
  button.hidden = false;
}

export function hide() {
  alert.hidden = true;
}

/** Says why the page is no longer kept up to date. */
export function showGone(message) {
  say(message);
  button.hidden = true;
}

function say(text) {
  put(alert.querySelector("[data-stale]"), text);
  alert.hidden = false;
}
