// The one door to the JSON API: session cookie, CSRF header, envelope, errors as exceptions that say what to do.
//
// Each answer is told to the document as "api-answer" (detail.status, 0 = none came; detail.askedAt, milliseconds since
// the page was opened), so that the frame can say once for all that the server is away or the log-in over
// (connection.js). api-error.js has the exceptions.
//
// What a proxy, a balancer or a hotel's portal says in the server's place is no answer, whatever its status: a 404 of
// theirs is no lost job. Ours have a header (lora_pipeline/headers.py).

import { foreign, refusal, unreachable } from "./api-error.js";

const TIMEOUT_MS = 20000;
const OURS = "lora-pipeline";
// These mean the same whoever says them.
const ANYBODYS = [401, 413, 429];

/** Whether it was our server that answered. */
export const isOurs = (headers) => headers.get("X-Answered-By") === OURS;

/** Where to log in so as to come back to this page. */
export function loginUrl() {
  return `/login?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
}

/**
 * Calls the API and gives the envelope's `data`.
 * @param {string} path such as "/api/jobs"
 * @param {{method?: string, body?: object, headers?: object, signal?: AbortSignal}} options
 * @returns {Promise<object>}
 * @throws {ApiError}
 */
export async function call(path, options = {}) {
  const { data } = await exchange(path, options);
  return data;
}

/**
 * Like `call` for a GET that may be unchanged: pass the last `etag`, get `{changed, etag, data}`.
 * @returns {Promise<{changed: boolean, etag: string | null, data: object | null}>}
 */
export async function callIfChanged(path, etag) {
  return exchange(path, { headers: etag ? { "If-None-Match": etag } : {} });
}

/**
 * A page of ours, or a part of one, as the server writes it now; errors are those of the API.
 * @returns {Promise<{changed: boolean, etag: string | null, content: Document | null}>}
 */
export async function page(url, { headers = {}, signal } = {}) {
  const response = await ask(url, { headers }, signal);
  const status = statusOf(response);
  const etag = response.headers.get("ETag");
  if (status === 304) return { changed: false, etag, content: null };
  if (status >= 400) throw refusal({ status, headers: response.headers });
  return { changed: true, etag, content: new DOMParser().parseFromString(await response.text(), "text/html") };
}

/** An Idempotency-Key: however often a request is sent with the same one, it is done once. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function exchange(path, { method = "GET", body, headers = {}, signal } = {}) {
  const hasBody = body !== undefined;
  const options = {
    method,
    headers: {
      Accept: "application/json",
      ...(hasBody ? { "Content-Type": "application/json" } : {}),
      ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
      ...headers,
    },
    body: hasBody ? JSON.stringify(body) : undefined,
  };
  const response = await ask(path, options, signal);
  const etag = response.headers.get("ETag");
  if (response.status === 304) return { changed: false, etag, data: null };
  const envelope = await response.json().catch(() => null);
  if (!response.ok || !envelope?.success) throw refusal(response, envelope?.error);
  return { changed: true, etag, data: envelope.data };
}

/** An answer, whatever it says. Validators are handled by the caller, so that a 304 is seen as one. */
async function ask(url, options, signal) {
  const askedAt = performance.now();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const both = signal ? AbortSignal.any([signal, timeout]) : timeout;
  let response = null;
  try {
    response = await fetch(url, { ...options, cache: "no-store", credentials: "same-origin", signal: both });
  } catch (error) {
    if (signal?.aborted) throw error;
    tell(0, askedAt);
    throw unreachable();
  }
  if (isOurs(response.headers) || ANYBODYS.includes(response.status)) {
    tell(statusOf(response), askedAt);
    return response;
  }
  tell(0, askedAt);
  throw foreign(response);
}

/** A page that asks for a log-in instead is a 401, as the API would say. */
function statusOf({ redirected, url, status }) {
  return redirected && new URL(url).pathname === "/login" ? 401 : status;
}

function tell(status, askedAt) {
  document.dispatchEvent(new CustomEvent("api-answer", { detail: { status, askedAt } }));
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
