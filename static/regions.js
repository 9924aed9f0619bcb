// Parts of a page that the server renders anew: fetch the page again, put in the parts that differ.

import { page } from "./api.js";
import { localize } from "./times.js";

let questions = 0;
const asOf = new WeakMap(); // element → the number of the question whose answer it is

/**
 * Replaces the elements that match `selector`, in order, by those of a fresh copy of this page, unless they are of a
 * copy that was asked for later. Focus stays on the same link or button, or else in the part.
 * Throws when the server does not answer with the page.
 */
export async function refresh(selector) {
  const question = ++questions;
  const { content: fresh } = await page(location.href);
  localize(fresh);
  const old = document.querySelectorAll(selector);
  const found = fresh.querySelectorAll(selector);
  if (old.length !== found.length) throw new Error("The page has another shape now");
  old.forEach((element, index) => {
    if (asOf.get(element) > question) return;
    const isSame = element.outerHTML === found[index].outerHTML;
    if (!isSame) put(found[index], element);
    asOf.set(isSame ? element : found[index], question);
  });
}

function put(replacement, element) {
  const hadFocus = element.contains(document.activeElement);
  const focused = hadFocus ? keyOf(document.activeElement) : null;
  element.replaceWith(document.adoptNode(replacement));
  if (hadFocus) focus(replacement, focused);
}

/** Where what had the focus is gone, its part of the page has it, so that the next Tab goes on from there. */
function focus(part, selector) {
  const same = selector && part.querySelector(selector);
  if (!same) part.tabIndex = -1;
  (same || part).focus({ preventScroll: !same });
}

function keyOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}
