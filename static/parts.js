// The part of a page that changes by itself: the same address, asked for that part alone (jobs/views/parts.py).

import { page } from "./api.js";
import { localize } from "./times.js";

/**
 * Fetches a part of the page at `address` by its name; `etag` is that of the last answer.
 * @returns {Promise<{changed: boolean, etag: string | null, content: DocumentFragment | null}>}
 * @throws where the server does not answer with the part, also when it asks for a login
 */
export async function fetchPart(part, address, { etag = null, signal } = {}) {
  const headers = { "X-Part": part, ...(etag ? { "If-None-Match": etag } : {}) };
  const { content: fresh, ...answer } = await page(address, { headers, signal });
  if (!answer.changed) return { ...answer, content: null };
  localize(fresh);
  const content = document.createDocumentFragment();
  content.append(...fresh.body.childNodes);
  return { ...answer, content };
}

/** Does `change` and gives focus back to the element with the same id, or else to `otherwise`. */
export function keepingFocus(within, change, otherwise = null) {
  const focused = within.contains(document.activeElement) ? document.activeElement.id : null;
  change();
  if (focused === null) return;
  const again = focused && document.getElementById(focused);
  (again || otherwise)?.focus({ preventScroll: true });
}
