// Texts into the page, wherever they stand; only what differs is touched.

/** Writes `{field: text}` into the elements with that data-field. */
export function write(texts) {
  for (const [field, text] of Object.entries(texts)) {
    for (const element of document.querySelectorAll(`[data-field="${field}"]`)) put(element, text);
  }
}

/** Writes one element's text. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides what stands around a field. */
export function showBox(field, isShown) {
  document.querySelector(`[data-field-box="${field}"]`).hidden = !isShown;
}
