// One short message in the corner; the region is a live one, so screen readers say it.

import { icon } from "./icon.js";

const LIFETIME_MS = 8000;
const MOST = 4;
const ICONS = { good: "check", bad: "alert", plain: "info" };

/**
 * Shows `message`: bad news until it is closed, other news for some seconds, longer under the pointer or the focus.
 * @param {string} message
 * @param {"good" | "bad" | "plain"} kind
 */
export function toast(message, kind = "plain") {
  const region = document.getElementById("toasts");
  const box = document.createElement("div");
  box.className = `toast toast-${kind}`;
  const text = document.createElement("span");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "icon-button";
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("x"));
  close.addEventListener("click", () => box.remove());
  box.append(icon(ICONS[kind]), text, close);
  region.append(box);
  while (region.childElementCount > MOST) region.firstElementChild.remove();
  if (kind !== "bad") setTimeout(() => leave(box), LIFETIME_MS);
}

function leave(box) {
  if (box.matches(":hover, :focus-within")) setTimeout(() => leave(box), LIFETIME_MS);
  else box.remove();
}
