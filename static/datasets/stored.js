// What storage holds of a file already: whether those are the parts of the file as it is now.

import { ApiError } from "../api-error.js";
import { md5 } from "./md5.js";

const CHANGED =
  "The file was changed, moved or deleted since it was chosen, so that the browser can no longer read it. Choose it again.";

/**
 * Which stored parts have to be sent again: they differ from the file, or storage does not say what they are.
 * @param {File} file
 * @param {{part_size: number, parts: {number: number, etag: string}[]}} plan
 * @param {Set<number>} known parts that are known to be the file's
 * @param {{signal: AbortSignal, onProgress: (compared: number, of: number) => void}} options
 * @returns {Promise<Set<number>>} rejects with an ApiError when the file cannot be read
 */
export async function strangeParts(file, plan, known, { signal, onProgress }) {
  const unsure = plan.parts.filter(({ number }) => !known.has(number));
  const strange = new Set();
  for (const [index, { number, etag }] of unsure.entries()) {
    onProgress(index, unsure.length);
    const bytes = await read(file.slice((number - 1) * plan.part_size, number * plan.part_size));
    signal.throwIfAborted();
    if (md5(bytes) !== etag.replaceAll('"', "")) strange.add(number);
  }
  return strange;
}

/** Rejects with an ApiError where the browser can no longer read the file: asked when sending it has failed. */
export async function assertReadable(piece) {
  await read(piece.slice(0, 1));
}

async function read(piece) {
  try {
    return new Uint8Array(await piece.arrayBuffer());
  } catch {
    throw new ApiError(0, "file_changed", CHANGED);
  }
}
