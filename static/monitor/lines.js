// Lines of a log as elements: their level by the words in them, what is searched for marked.

const ERROR = /\b(ERROR|CRITICAL|FATAL)\b|^Traceback|\b\w*(Error|Exception)\b:/;
const WARNING = /\bWARN(ING)?\b|\b\w*Warning\b:/;
const ATTEMPT = /^--- Attempt \d+ ---$/;

/** "error", "warn", "attempt" for the heading of one, or "". */
export function levelOf(line) {
  if (ERROR.test(line)) return "error";
  if (WARNING.test(line)) return "warn";
  return ATTEMPT.test(line) ? "attempt" : "";
}

/** Whether a line is shown: it holds the text, whatever its case, and is of the level or a worse one. */
export function fits(line, { text, level }) {
  const is = levelOf(line);
  if (level && is !== "error" && !(level === "warn" && is === "warn")) return false;
  return !text || line.toLowerCase().includes(text.toLowerCase());
}

/** A line as an element. */
export function elementOf(line, text) {
  const element = document.createElement("span");
  const level = levelOf(line);
  element.className = level ? `line line-${level}` : "line";
  element.append(...marked(line, text), "\n");
  return element;
}

function marked(line, text) {
  if (!text) return [line];
  const parts = [];
  const [haystack, needle] = [line.toLowerCase(), text.toLowerCase()];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    const mark = document.createElement("mark");
    mark.textContent = line.slice(at, at + needle.length);
    parts.push(line.slice(from, at), mark);
    from = at + needle.length;
  }
  return [...parts, line.slice(from)];
}
