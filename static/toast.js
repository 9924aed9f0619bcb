// One short message in the corner; the region is a live one, so screen readers say it.

const LIFETIME_MS = 8000;

/**
 * Shows `message` for some seconds, or until it is closed.
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
  close.textContent = "×";
  close.addEventListener("click", () => box.remove());
  box.append(text, close);
  region.append(box);
  setTimeout(() => box.remove(), LIFETIME_MS);
}
