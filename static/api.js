// The one door to the JSON API: session cookie, CSRF header, envelope, errors as exceptions.

const TIMEOUT_MS = 20000;

/** What the API answered when it did not succeed; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, code, message, details = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
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

/** An Idempotency-Key: however often a request is sent with the same one, it is done once. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function exchange(path, { method = "GET", body, headers = {}, signal } = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  try {
    response = await fetch(path, {
      method,
      // Validators are handled by the caller, so that a 304 is seen as one.
      cache: "no-store",
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The server does not answer. Check your connection.");
  }
  const etag = response.headers.get("ETag");
  if (response.status === 304) return { changed: false, etag, data: null };
  const envelope = await response.json().catch(() => null);
  if (!response.ok || !envelope?.success) throw refusal(response, envelope?.error);
  return { changed: true, etag, data: envelope.data };
}

function refusal(response, error) {
  if (response.status === 401) {
    return new ApiError(401, "not_authenticated", "You are logged out. Reload the page to log in again.");
  }
  const fallback = `The server answered ${response.status}. Try again in a moment.`;
  return new ApiError(response.status, error?.code ?? "error", error?.message ?? fallback, error?.details ?? {});
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
