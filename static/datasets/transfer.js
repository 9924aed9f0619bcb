// Sends one file straight to storage as its ticket says.

import { ApiError } from "../api.js";

const NO_ANSWER =
  "The file did not reach storage: the connection broke, or storage refuses this site. Try again; if it stays so, " +
  "the operator must check S3_PUBLIC_ENDPOINT_URL and the bucket's CORS rules.";

/**
 * @param {File} file
 * @param {{method: string, url: string, headers: object}} ticket
 * @param {{onProgress: (sent: number) => void, signal: AbortSignal}} options `sent` in bytes
 * @returns {Promise<void>} rejects with an ApiError; with an AbortError when `signal` says so
 */
export function transfer(file, ticket, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    request.open(ticket.method, ticket.url);
    for (const [name, value] of Object.entries(ticket.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new ApiError(request.status, "refused", refusal(request.status)));
    });
    request.addEventListener("error", () => reject(new ApiError(0, "unreachable", NO_ANSWER)));
    request.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function refusal(status) {
  if (status === 403) return "Storage refused the file: the permission to send it has expired. Try again.";
  return `Storage answered ${status}. Try again in a moment.`;
}
