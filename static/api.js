// The one door to the JSON API: session cookie, CSRF header, envelope, errors as exceptions that say what to do.
//
// Each answer is told to the document as "api-answer" (detail.status, 0 = none came), so that the frame can say once
// for all that the server is away or the log-in over (connection.js). problem.js shows an error with its remedy.

const TIMEOUT_MS = 20000;

// What a status means to a reader where the server gives no words of its own.
const WORDS = {
  0: "The server does not answer. Check your connection.",
  401: "You are logged out. Log in again to go on.",
  403: "Your account may not do this.",
  404: "It is no longer there, or it belongs to somebody else.",
  413: "That is more than the server takes at once.",
  429: "Too many requests in a short time. Wait a moment.",
  503: "The server is busy with itself at the moment. Try again in a few seconds.",
};
const OUR_FAULT = "Something went wrong on our side. Nothing of yours is lost; try again in a moment.";

/**
 * What the API answered when it did not succeed; `status` 0 means that no answer came.
 * `remedy` is what the reader can do: "login", "reload", "retry", or "" when asking again changes nothing;
 * `retryAfter` the seconds to wait before, or null.
 */
export class ApiError extends Error {
  constructor(status, code, message, details = {}, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }

  get remedy() {
    if (this.status === 401) return "login";
    if (this.code === "csrf_failed") return "reload";
    return this.status === 0 || this.status === 429 || this.status >= 500 ? "retry" : "";
  }
}

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
  const isLogin = response.redirected && new URL(response.url).pathname === "/login";
  const status = isLogin ? 401 : response.status;
  tell(status);
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
  tell(response.status);
  const etag = response.headers.get("ETag");
  if (response.status === 304) return { changed: false, etag, data: null };
  const envelope = await response.json().catch(() => null);
  if (!response.ok || !envelope?.success) throw refusal(response, envelope?.error);
  return { changed: true, etag, data: envelope.data };
}

/** An answer, whatever it says. Validators are handled by the caller, so that a 304 is seen as one. */
async function ask(url, options, signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const both = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    return await fetch(url, { ...options, cache: "no-store", credentials: "same-origin", signal: both });
  } catch (error) {
    if (signal?.aborted) throw error;
    tell(0);
    throw new ApiError(0, "unreachable", WORDS[0]);
  }
}

function tell(status) {
  document.dispatchEvent(new CustomEvent("api-answer", { detail: { status } }));
}

function refusal({ status, headers }, error) {
  const wait = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  const words = WORDS[status] ?? (status >= 500 ? OUR_FAULT : `The server refused that (${status}).`);
  // A 401 of the API speaks to programs; people are told where to log in.
  const message = status === 401 ? words : (error?.message ?? words);
  return new ApiError(status, error?.code ?? "error", message, error?.details ?? {}, Number.isNaN(wait) ? null : wait);
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
