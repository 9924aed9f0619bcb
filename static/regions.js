// Parts of a page that the server renders anew: fetch the page again, put in the parts that differ.

import { page } from "./api.js";
import { localize } from "./times.js";

/**
 * Replaces the elements that match `selector`, in order, by those of a fresh copy of this page.
 * Focus stays on the same link or button. Throws when the server does not answer with the page.
 */
export async function refresh(selector) {
  const { content: fresh } = await page(location.href);
  localize(fresh);
  const old = document.querySelectorAll(selector);
  const found = fresh.querySelectorAll(selector);
  if (old.length !== found.length) throw new Error("The page has another shape now");
  old.forEach((element, index) => {
    if (element.outerHTML !== found[index].outerHTML) put(found[index], element);
  });
}

function put(replacement, element) {
  const focused = element.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  element.replaceWith(document.adoptNode(replacement));
  if (focused) replacement.querySelector(focused)?.focus();
}

function keyOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}
