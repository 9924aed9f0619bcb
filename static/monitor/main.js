// The monitor of one job: asks the API every 5 s while the job is active and shows what changed.
//
//   view.js   figures, badge, progress      series.js  points in order     charts.js  curves and their table
//   cancel.js dialog, cancel, retry         files.js   log and downloads   ../live.js  the pace, stale data
//
// Parts that change with the job's status or stage (outcome, facts, timeline) come from the server anew.

import { callIfChanged } from "../api.js";
import { follow } from "../live.js";
import { refresh } from "../regions.js";
import * as cancel from "./cancel.js";
import * as charts from "./charts.js";
import * as files from "./files.js";
import { Points } from "./series.js";
import * as view from "./view.js";

const REFRESH_MS = 5000;
const HIDDEN_MS = 30_000;
const FINAL_ANSWERS = [401, 403, 404];

const root = document.getElementById("monitor");
const url = `/api/jobs/${root.dataset.job}`;
const points = new Points();
let etag = null;
let shownState = root.dataset.state; // of the parts that the server renders

async function ask() {
  try {
    const answer = await callIfChanged(`${url}?since=${points.cursor}`, etag);
    if (answer.changed) await show(answer.data);
    etag = answer.etag; // only now: what failed half-way is asked again
  } catch (error) {
    if (FINAL_ANSWERS.includes(error.status)) {
      error.final = true;
      view.showGone(error.status === 404 ? "This job is no longer there." : error.message);
    }
    throw error;
  }
  return !view.isTerminal();
}

async function show(data) {
  view.show(data.job);
  points.take(data);
  charts.draw(points, { ended: view.isTerminal() });
  await refreshRegions(data.job);
  files.jobChanged();
}

async function refreshRegions(job) {
  const { status, current_stage: stage, attempt, external_job_id: external, artifact_status: artifact } = job;
  const state = [status, stage, attempt, external ?? "", artifact ?? "", job.warnings.length].join("|");
  if (state === shownState) return;
  await refresh("[data-region]");
  shownState = state;
}

const live = follow({
  ask,
  everyMs: REFRESH_MS,
  hiddenMs: HIDDEN_MS,
  onStale: view.showStale,
  onFresh: view.hideStale,
});

cancel.enliven(url, {
  onAnswer: () => {
    etag = null;
    live.now();
  },
});
files.enliven(url);
