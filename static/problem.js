// An error of the API where its answer would have stood: what is wrong, and the one thing that helps.

import { loginUrl } from "./api.js";
import { icon } from "./icon.js";

/**
 * Puts an alert for `error` into `place`, instead of what was there.
 * @param {Element} place
 * @param {ApiError} error
 * @param {() => void} [retry] what the button "Try again" does; without it there is none
 */
export function showProblem(place, error, retry) {
  const alert = document.createElement("div");
  alert.className = "alert alert-bad problem";
  alert.setAttribute("role", "alert");
  const words = document.createElement("div");
  words.textContent = error.message;
  alert.append(icon("alert"), words);
  const help = remedy(error, retry);
  if (help) alert.append(help);
  place.removeAttribute("aria-busy");
  place.replaceChildren(alert);
}

/** The link or button that helps, or null. */
export function remedy(error, retry) {
  if (error.remedy === "login") return link("Log in again", loginUrl());
  if (error.remedy === "reload") return reload();
  if (error.remedy !== "retry" || !retry) return null;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.addEventListener("click", retry);
  hold(button, error.retryAfter ?? 0);
  return button;
}

/** The button says how long to wait while the server wants no question. */
function hold(button, seconds) {
  button.disabled = seconds > 0;
  button.textContent = seconds > 0 ? `Try again in ${seconds} s` : "Try again";
  if (seconds > 0) setTimeout(() => hold(button, seconds - 1), 1000);
}

/** A reload, not a visit: what a form keeps for itself comes back. */
function reload() {
  const anchor = link("Reload the page", location.href);
  anchor.addEventListener("click", (event) => {
    event.preventDefault();
    location.reload();
  });
  return anchor;
}

function link(text, href) {
  const anchor = document.createElement("a");
  anchor.className = "button button-small";
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}
