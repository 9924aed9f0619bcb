// The parts of one file on their way to storage: several at a time, each tried again, none sent twice.

import { call } from "../api.js";
import { assertReadable } from "./stored.js";
import { transfer } from "./transfer.js";

const AT_ONCE = 3;
const TICKETS_PER_CALL = 20;
const TRIES = 6;
const FIRST_WAIT_MS = 1000;

/**
 * Sends what is missing of `file`.
 * @param {File} file
 * @param {{id: string, part_size: number, part_count: number, parts: {number: number, size: number}[]}} plan
 * @param {{signal: AbortSignal, onProgress: (sent: number) => void, onStored: (number: number) => void,
 *   onTrouble: (error: Error | null) => void}} options
 *   `sent` counts all bytes that are in storage or on their way; `onStored` is told of each part that has arrived;
 *   `onTrouble(error)` when a part waits to be tried again, `onTrouble(null)` when one has arrived
 * @returns {Promise<void>} rejects with an ApiError when trying again did not help
 */
export async function sendParts(file, plan, { signal, onProgress, onStored, onTrouble }) {
  const stored = new Map(plan.parts.map((part) => [part.number, part.size]));
  const missing = [...Array(plan.part_count).keys()].map((index) => index + 1).filter((number) => !stored.has(number));
  const underway = new Map();
  const tickets = new Map();
  const failing = new AbortController(); // one part that fails for good stops the others
  const both = AbortSignal.any([signal, failing.signal]);
  const told = () => onProgress(sum(stored) + sum(underway));

  async function ticketFor(number) {
    if (!tickets.has(number)) {
      const part_numbers = [number, ...missing.slice(0, TICKETS_PER_CALL - 1)];
      const asked = call(`/api/datasets/${plan.id}/parts`, { method: "POST", body: { part_numbers }, signal: both });
      // Kept as a promise: the other lanes must not ask for the same.
      for (const each of part_numbers) {
        tickets.set(each, asked.then(({ parts }) => parts.find((part) => part.number === each)));
        tickets.get(each).catch(() => tickets.delete(each));
      }
    }
    return tickets.get(number);
  }

  async function send(number) {
    const piece = file.slice((number - 1) * plan.part_size, number * plan.part_size);
    for (let attempt = 1; ; attempt++) {
      try {
        const onSent = (sent) => {
          underway.set(number, Math.min(sent, piece.size));
          told();
        };
        await transfer(piece, await ticketFor(number), { signal: both, onProgress: onSent });
        underway.delete(number);
        stored.set(number, piece.size);
        onStored(number);
        told();
        return onTrouble(null);
      } catch (error) {
        underway.delete(number);
        told();
        tickets.delete(number);
        if (both.aborted || !mayHelp(error) || attempt === TRIES) throw error;
        await assertReadable(piece); // a file that was changed meanwhile fails like a network
        both.throwIfAborted(); // it may have been paused while the file was read
        onTrouble(error);
        await patience(FIRST_WAIT_MS * 2 ** (attempt - 1), both);
      }
    }
  }

  async function lane() {
    while (missing.length) await send(missing.shift());
  }

  told();
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, missing.length) }, lane));
  } catch (error) {
    failing.abort();
    throw error;
  }
}

/** No connection, an expired ticket, a storage or server in trouble: all else stays as it is. */
function mayHelp(error) {
  return [0, 403, 408, 429].includes(error.status) || error.status >= 500;
}

/** Waits so long, while offline until the network is back; rejects when `signal` says so. */
function patience(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => navigator.onLine && resolve(), ms);
    addEventListener("online", resolve, { once: true, signal });
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("Stopped", "AbortError"));
    });
  });
}

const sum = (sizes) => [...sizes.values()].reduce((total, size) => total + size, 0);
