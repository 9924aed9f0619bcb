// The cards: last values, where they are going, cost and budget. The server wrote the same texts at first.

import * as format from "../format.js";
import { put, showBox, write } from "./write.js";

const BUDGET_IS_LOW = 0.8; // where the server warns

/** Shows a job's figures as the API told them just now. */
export function show(job, situation, trends) {
  const { current_metrics: now } = job;
  const best = trends.best_validation_loss;
  write({
    training_loss: format.measure(now.training_loss),
    validation_loss: format.measure(now.validation_loss),
    throughput: format.count(now.throughput),
    best: best ? `best ${format.measure(best.value)} at step ${format.count(best.step)}` : "",
  });
  showBox("best", best !== null);
  for (const name of ["training_loss", "validation_loss", "throughput"]) showTrend(name, trends[name]);
  showCost(job, situation.projected_cost);
}

function showTrend(name, trend) {
  const note = document.querySelector(`[data-trend="${name}"]`);
  note.dataset.direction = trend?.direction ?? "";
  put(note.querySelector("[data-trend-words]"), trend?.words ?? "");
}

function showCost(job, projected) {
  const cost = job.final_cost ?? job.current_cost;
  write({ cost: format.dollars(cost), billed: format.dollars(cost), cost_note: noteOf(job, projected) });
  const bar = document.getElementById("budget-bar");
  if (!bar) return;
  bar.value = cost;
  bar.classList.toggle("progress-warn", cost >= BUDGET_IS_LOW * job.max_cost);
  const isShort = projected !== null && projected > job.max_cost;
  const warning = isShort ? ": it will be used up before the end" : "";
  write({ budget: `${format.dollars(cost)} of ${format.dollars(job.max_cost)} budget${warning}` });
}

function noteOf(job, projected) {
  if (!job.gpu_config.priced) return "no price listed for this GPU";
  if (job.final_cost !== null) return job.cost_is_estimate ? "final, by our own clock" : "final";
  const told = [];
  if (projected !== null) told.push(`about ${format.dollars(projected)} at the end`);
  if (job.estimated_total_cost !== null) told.push(`estimated ${format.dollars(job.estimated_total_cost)}`);
  return told.join(", ") || "so far";
}
