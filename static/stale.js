// What a page says while its questions stay without an answer: why, how old its data is, when it asks again; and when
// it is kept up to date no more. Its place is components/stale.html. The age counts in silence: a screen reader hears
// the reason, once.

import { ApiError } from "./api-error.js";
import { duration } from "./format.js";

const UNFIT = "The page has changed meanwhile: reload it.";

const place = document.getElementById("stale");

/** `seconds` is the age of what the page shows, `next` the seconds until it is asked again; `retry` asks at once. */
export function show(seconds, next, error, retry) {
  const when = next ? `Next try in ${duration(next)}.` : "Trying again…";
  say(error instanceof ApiError ? error.message : UNFIT, `Data is ${duration(seconds)} old. ${when}`, retry);
}

export function hide() {
  place.hidden = true;
}

/** For good. */
export function end(error) {
  say(error.message, "This page is not kept up to date any more.", null);
}

function say(why, age, retry) {
  put(place.querySelector("[data-why]"), why);
  put(place.querySelector("[data-age]"), age);
  const button = place.querySelector("button");
  button.hidden = !retry;
  button.onclick = retry;
  place.hidden = false;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
