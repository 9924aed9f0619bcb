// What the API answers when it does not succeed, in words for a reader. problem.js shows it with its remedy.

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
const FOREIGN = "Something else answers in the server's place: it may be starting, or this network wants a log-in.";
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

  /** Whether asking again would change nothing as long as the reader does nothing. */
  get isFinal() {
    return this.status === 403 || this.status === 404;
  }

  get remedy() {
    if (this.status === 401) return "login";
    if (this.code === "csrf_failed") return "reload";
    return this.status === 0 || this.status === 429 || this.status >= 500 ? "retry" : "";
  }
}

/** No answer came. */
export const unreachable = () => new ApiError(0, "unreachable", WORDS[0]);

/** An answer came, from somebody else. */
export const foreign = ({ headers }) => new ApiError(0, "foreign", FOREIGN, {}, waitOf(headers));

/** What the server refused; `error` is that of the envelope, if there is one. */
export function refusal({ status, headers }, error) {
  const words = WORDS[status] ?? (status >= 500 ? OUR_FAULT : `The server refused that (${status}).`);
  // A 401 of the API speaks to programs; people are told where to log in.
  const message = status === 401 ? words : (error?.message ?? words);
  return new ApiError(status, error?.code ?? "error", message, error?.details ?? {}, waitOf(headers));
}

/** Seconds, or null. */
function waitOf(headers) {
  const wait = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  return Number.isNaN(wait) ? null : wait;
}
