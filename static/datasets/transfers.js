// The uploads of this page, one line each, and the queue in which they go: one file at a time, in order.

import { bytes, duration } from "../format.js";
import { remedy } from "../problem.js";

const WORDS = {
  waiting: "Waits for its turn.",
  paused: "Paused. What is stored stays stored.",
  checking: "Checking that all of it arrived…",
  cancelled: "Cancelled.",
};

/**
 * @param {HTMLElement} list takes the lines; the page holds a template #transfer-line
 * @param {{onComplete: (dataset: object) => void}} options
 * @returns {{add: (upload: import("./uploading.js").Upload) => void, isBusy: () => boolean, has: (id: string) => boolean}}
 */
export function queue(list, { onComplete }) {
  const lines = new Map(); // upload → its line
  const uploads = () => [...lines.keys()];

  function add(upload) {
    for (const other of uploads()) if (other.state === "failed" && isSame(other, upload.file)) remove(other);
    const line = document.getElementById("transfer-line").content.firstElementChild.cloneNode(true);
    line.querySelector(".transfer-name").textContent = upload.file.name;
    line.querySelector("progress").setAttribute("aria-label", `Upload of ${upload.file.name}`);
    line.querySelector('[data-do="toggle"]').addEventListener("click", () => toggle(upload));
    line.querySelector('[data-do="cancel"]').addEventListener("click", () => cancel(upload));
    lines.set(upload, line);
    list.append(line);
    render(upload);
    next();
  }

  function next() {
    if (uploads().some(({ state }) => state === "running" || state === "checking")) return;
    uploads()
      .find(({ state }) => state === "waiting")
      ?.start();
  }

  function toggle(upload) {
    if (upload.state === "running") upload.pause();
    else upload.start();
  }

  async function cancel(upload) {
    await upload.cancel();
    if (upload.isOver) remove(upload);
  }

  function remove(upload) {
    lines.get(upload)?.remove();
    lines.delete(upload);
    next();
  }

  function changed(upload) {
    if (!lines.has(upload)) return;
    render(upload);
    if (upload.state === "done") {
      remove(upload);
      onComplete(upload.dataset);
    } else if (upload.state !== "running") next();
  }

  function render(upload) {
    const line = lines.get(upload);
    const { state, sent, error, trouble, file } = upload;
    const share = file.size ? sent / file.size : 0;
    line.dataset.state = state;
    line.querySelector("progress").value = share;
    put(line.querySelector(".transfer-percent"), `${Math.floor(share * 100)}%`);
    put(line.querySelector(".transfer-figures"), state === "running" || sent ? figures(upload) : bytes(file.size));
    put(line.querySelector(".transfer-state"), WORDS[state] ?? (state === "running" ? upload.notice : ""));
    const alert = line.querySelector(".alert");
    const said = error?.message ?? (trouble && troubled(trouble));
    if (put(alert.querySelector("span"), said ?? "")) {
      const help = error && remedy(error);
      if (help) alert.querySelector("span").append(" ", help);
    }
    alert.hidden = !said;
    const toggle = line.querySelector('[data-do="toggle"]');
    put(toggle.querySelector("span"), { running: "Pause", checking: "Pause", failed: "Try again", waiting: "Start now" }[state] ?? "Resume");
    toggle.disabled = line.querySelector('[data-do="cancel"]').disabled = state === "checking";
  }

  addEventListener("online", () => uploads().forEach((each) => each.state === "failed" && each.start()));
  addEventListener("beforeunload", (event) => isBusy() && event.preventDefault());
  const isBusy = () => uploads().some(({ state }) => state === "running" || state === "waiting");
  const has = (file) => uploads().some((each) => each.state !== "failed" && isSame(each, file));
  return { add, changed, has };
}

/** Why nothing moves at the moment; what an operator can do is said when trying again has not helped. */
function troubled({ status, message }) {
  if (!navigator.onLine) return "You are offline. It goes on when the network is back.";
  return `${status === 0 ? "A part did not reach storage." : message} Trying again…`;
}

/** "41.2 MB of 1.2 GB · 23.4 MB/s · 50 s left", as far as it is known. */
function figures({ sent, file, pace, state, trouble }) {
  const left = state === "running" && !trouble ? pace.secondsTo(file.size) : null;
  const parts = [`${bytes(sent)} of ${bytes(file.size)}`];
  if (left !== null && sent < file.size) parts.push(`${bytes(pace.perSecond)}/s`, `${duration(left)} left`);
  return parts.join(" · ");
}

function isSame({ file }, other) {
  return file.name === other.name && file.size === other.size;
}

/** Leaves what is the same alone, so that nothing is read out twice. Whether it was another text. */
function put(element, text) {
  if (element.dataset.text === text) return false;
  element.dataset.text = text;
  element.textContent = text;
  return true;
}
