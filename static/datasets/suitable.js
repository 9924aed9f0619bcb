// What can be said of a file before it is sent: that it is empty, a folder, or nothing to read as text.

const HEAD_BYTES = 4096;
const LONGEST_NAME = 200; // characters, of files and of datasets

/** @param {File} file @returns {Promise<string>} what is wrong with it, or "" */
export async function complaint(file) {
  let head;
  try {
    head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  } catch {
    return `${file.name} cannot be read. Folders cannot be uploaded: choose the files in them.`;
  }
  if (!head.length) return `${file.name} is empty.`;
  if (isText(head)) return "";
  return `${file.name} is not a text file. Unpack archives first, and export tables as JSON lines.`;
}

/** UTF-16 and UTF-32 have zeros in every other place, or more; of other control characters text has hardly any. */
function isText(head) {
  const zeros = head.filter((byte) => byte === 0).length;
  if (zeros > head.length / 4) return true;
  const controls = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32)).length;
  return controls <= head.length / 100;
}

/** The name under which the file is stored: without what no path may hold, at most so long, the ending kept. */
export function storedName(name) {
  const clean = [...name.normalize("NFKC").replace(/\p{C}/gu, "").replace(/[\\/]/g, "_")];
  if (clean.length <= LONGEST_NAME) return clean.join("");
  const ending = /\.[a-z0-9]{1,10}$/i.exec(clean.join(""))?.[0] ?? "";
  return clean.slice(0, LONGEST_NAME - ending.length).join("") + ending;
}

/** What the dataset is called where nobody says: the file's name without its ending. */
export function datasetName(name) {
  return storedName(name).replace(/(?!^)\.[^.]+$/, "");
}
