// Sends one piece of a file straight to storage as its ticket says.

import { ApiError } from "../api-error.js";

const NO_ANSWER =
  "The file did not reach storage: the connection broke, or storage refuses this site. If it stays so, " +
  "the operator must check S3_PUBLIC_ENDPOINT_URL and the bucket's CORS rules.";
const SILENCE_MS = 60_000;

/**
 * @param {Blob} piece
 * @param {{method: string, url: string, headers: object}} ticket
 * @param {{onProgress: (sent: number) => void, signal: AbortSignal}} options `sent` in bytes
 * @returns {Promise<void>} rejects with an ApiError; with an AbortError when `signal` says so
 */
export function transfer(piece, ticket, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    let silence = null;
    const heard = () => {
      clearTimeout(silence); // a connection that is dead says so after many minutes, or never
      silence = setTimeout(() => finish(reject, new ApiError(0, "unreachable", NO_ANSWER)), SILENCE_MS);
    };
    const stop = () => finish(reject, new DOMException("Stopped", "AbortError"));
    const finish = (settle, value) => {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
      settle(value);
      request.abort();
    };
    request.open(ticket.method, ticket.url);
    for (const [name, value] of Object.entries(ticket.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      heard();
      onProgress(event.loaded);
    });
    request.addEventListener("load", () => {
      if (request.status < 300) finish(resolve);
      else finish(reject, new ApiError(request.status, "refused", refusal(request.status)));
    });
    request.addEventListener("error", () => finish(reject, new ApiError(0, "unreachable", NO_ANSWER)));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop);
    heard();
    request.send(piece);
  });
}

function refusal(status) {
  if (status === 403) return "Storage refused the file: the permission to send it has expired.";
  return `Storage answered ${status}.`;
}
