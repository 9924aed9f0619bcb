// One job's JSON into the page: badge and progress. The server wrote the same texts at first.

import * as format from "../format.js";
import { toast } from "../toast.js";
import { showBox, write } from "./write.js";

const TERMINAL = ["completed", "failed", "cancelled"];
const CANCELLABLE = ["queued", "initializing", "running"];

const root = document.getElementById("monitor");
const badges = document.getElementById("badges");
const name = document.title.slice(document.title.indexOf(" · ")); // without the bell's number and the status

let job = null;
let receivedAt = 0;
let status = root.dataset.status;
let cancelAsked = false;

export const isTerminal = () => TERMINAL.includes(status);

/** Shows a job as the API told it just now. */
export function show(fresh) {
  job = fresh;
  receivedAt = Date.now();
  if (job.status === "cancelled" && status !== "cancelled") sayCancelled();
  status = job.status;
  root.dataset.status = status;
  if (isTerminal()) cancelAsked = false;
  showStatus();
  document.getElementById("progress").hidden = isTerminal();
  document.getElementById("bar").value = job.progress;
  showStage();
  document.querySelector("[data-when-simulated]").hidden = !job.simulated;
  write({
    percent: format.percent(job.progress),
    epoch: of(job.current_epoch, job.total_epochs),
    step: of(job.current_step, job.total_steps),
  });
  tick();
  showTitle();
}

function sayCancelled() {
  if (job.error) toast(`Training job stopped: ${job.error.message}`, "bad");
  else toast("Training job cancelled successfully", "good");
}

/**
 * From the click on the badge says what was asked for, unless the server refuses it: an answer to a question from before
 * the click is old.
 */
export function setCancelAsked(asked) {
  cancelAsked = asked;
  showStatus();
}

function showStatus() {
  const shown = cancelAsked && CANCELLABLE.includes(status) ? "cancelling" : status;
  for (const badge of document.querySelectorAll("[data-badge]")) {
    if (badge.firstElementChild?.dataset.status === shown) continue;
    badge.replaceChildren(badges.content.querySelector(`[data-status="${shown}"]`).cloneNode(true));
  }
  for (const button of document.querySelectorAll("[data-cancel-open]")) {
    button.hidden = isTerminal();
    button.disabled = shown === "cancelling";
  }
}

/** A tab in the background says how it stands. */
function showTitle() {
  const word = badges.content.querySelector(`[data-status="${status}"]`).textContent.trim();
  document.title = (status === "running" ? format.percent(job.progress) : word) + name;
}

/** What the present stage is busy with, in the cluster's words. */
function showStage() {
  const bar = document.getElementById("stage-bar");
  bar.hidden = job.stage_progress === null;
  bar.value = job.stage_progress ?? 0;
  showBox("stage_text", Boolean(job.stage_detail) || job.stage_progress !== null);
  write({
    stage: format.words(job.current_stage),
    stage_text: job.stage_detail,
    stage_percent: job.stage_progress === null ? "" : format.percent(job.stage_progress),
  });
}

/** Lets elapsed and remaining time show the present. */
export function tick() {
  if (!job) return;
  const since = (Date.now() - receivedAt) / 1000;
  const isRunning = !isTerminal() && job.elapsed_seconds !== null;
  const left = job.eta_seconds === null ? null : Math.max(0, job.eta_seconds - since);
  write({
    elapsed: format.duration(isRunning ? job.elapsed_seconds + since : job.elapsed_seconds),
    eta: left === null ? format.ABSENT : format.duration(left),
    ends: job.eta_seconds === null ? format.ABSENT : format.soon(job.estimated_completion_at),
  });
}

/** "3 of 9"; a total of 0 is not known yet. */
function of(current, total) {
  return total ? `${format.count(current)} of ${format.count(total)}` : format.ABSENT;
}
