// One job's JSON into the page: badge, progress, figures. The server wrote the same texts at first.

import * as format from "../format.js";
import { toast } from "../toast.js";

const TERMINAL = ["completed", "failed", "cancelled"];
const BUDGET_IS_LOW = 0.8; // where the server warns
const CANCELLABLE = ["queued", "initializing", "running"];

const root = document.getElementById("monitor");
const badge = document.getElementById("badge");
const badges = document.getElementById("badges");
const stale = document.getElementById("stale");
const button = document.getElementById("cancel-open");
const about = JSON.parse(document.getElementById("stage-about").textContent);
const name = document.title;

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
  document.querySelector('[data-field-box="waiting_for"]').hidden = !job.waiting_for;
  showBudget(job.final_cost ?? job.current_cost);
  write({ ...figures(), ...clocks() });
  document.title = status === "running" ? `${format.percent(job.progress)} · ${name}` : name;
}

function sayCancelled() {
  if (job.error) toast(`Training job stopped: ${job.error.message}`, "bad");
  else toast("Training job cancelled successfully", "good");
}

function showBudget(cost) {
  const bar = document.getElementById("budget-bar");
  if (!bar) return;
  bar.value = cost;
  bar.classList.toggle("progress-warn", cost >= BUDGET_IS_LOW * job.max_cost);
}

/** Between the click and the server's answer the badge says already what was asked for. */
export function setCancelAsked(asked) {
  cancelAsked = asked;
  showStatus();
}

function showStatus() {
  const shown = cancelAsked && CANCELLABLE.includes(status) ? "cancelling" : status;
  if (badge.firstElementChild?.dataset.status !== shown) {
    const found = badges.content.querySelector(`[data-status="${shown}"]`);
    badge.replaceChildren(found.cloneNode(true));
  }
  button.hidden = isTerminal();
  button.disabled = shown === "cancelling";
}

/** What the present stage is busy with: in the cluster's words, else in ours. */
function showStage() {
  const bar = document.getElementById("stage-bar");
  bar.hidden = job.stage_progress === null;
  bar.value = job.stage_progress ?? 0;
  document.querySelector('[data-field-box="stage_text"]').hidden = !stageText();
}

const stageText = () => job.stage_detail || (about[job.current_stage] ?? "");

function figures() {
  const now = job.current_metrics;
  return {
    stage: format.words(job.current_stage),
    stage_text: stageText(),
    stage_percent: job.stage_progress === null ? "" : format.percent(job.stage_progress),
    percent: format.percent(job.progress),
    epoch: of(job.current_epoch, job.total_epochs),
    step: of(job.current_step, job.total_steps),
    training_loss: format.measure(now.training_loss),
    validation_loss: format.measure(now.validation_loss),
    throughput: format.count(now.throughput),
    cost: format.dollars(job.final_cost ?? job.current_cost),
    billed: format.dollars(job.final_cost ?? job.current_cost),
    cost_note: costNote(),
    budget: `${format.dollars(job.final_cost ?? job.current_cost)} of ${format.dollars(job.max_cost)} budget`,
    waiting_for: job.waiting_for,
  };
}

function clocks() {
  const since = (Date.now() - receivedAt) / 1000;
  const isRunning = !isTerminal() && job.elapsed_seconds !== null;
  const left = job.eta_seconds === null ? null : Math.max(0, job.eta_seconds - since);
  return {
    elapsed: format.duration(isRunning ? job.elapsed_seconds + since : job.elapsed_seconds),
    eta: left === null ? format.ABSENT : `${format.duration(left)}, until ${format.hour(job.estimated_completion_at)}`,
  };
}

/** "3 of 9"; a total of 0 is not known yet. */
function of(current, total) {
  return total ? `${format.count(current)} of ${format.count(total)}` : format.ABSENT;
}

function costNote() {
  if (!job.gpu_config.priced) return "no price listed for this GPU";
  if (job.final_cost !== null) return job.cost_is_estimate ? "final, by our own clock" : "final";
  return job.estimated_total_cost === null ? "so far" : `of about ${format.dollars(job.estimated_total_cost)}`;
}

function write(texts) {
  for (const [field, text] of Object.entries(texts)) {
    for (const element of document.querySelectorAll(`[data-field="${field}"]`)) {
      if (element.textContent !== text) element.textContent = text;
    }
  }
}

/** Says that answers are missing; `seconds` is the age of what the page shows. */
export function showStale(seconds) {
  say(`Data is ${seconds} s old — retrying`);
}

export function hideStale() {
  stale.hidden = true;
}

/** Says why the page is no longer kept up to date. */
export function showGone(message) {
  say(message);
}

function say(text) {
  stale.querySelector("span").textContent = text;
  stale.hidden = false;
}

setInterval(() => {
  if (job && !isTerminal() && !document.hidden) write(clocks());
}, 1000);
