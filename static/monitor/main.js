// The monitor of one job: asks the API every 5 s while the job is active and shows what changed.
//
//   view.js    badge, progress              cards.js          figures, trends       situation.js  sentence, clocks
//   bar.js     the slim head                charts.js         curves, their table   again.js   retry, resume
//   marks.js   seams, checkpoints           cancel.js         stop it
//   files.js   downloads                    log.js            its last lines        configuration.js  as JSON
//   ../charts/points.js  points in order    ../live.js        the pace
//
// Parts that change with the job's status or stage (outcome, phases, files, facts) come from the server anew.

import { callIfChanged } from "../api.js";
import { Points } from "../charts/points.js";
import { follow } from "../live.js";
import { refresh } from "../regions.js";
import * as again from "./again.js";
import * as bar from "./bar.js";
import * as cancel from "./cancel.js";
import * as cards from "./cards.js";
import * as charts from "./charts.js";
import * as configuration from "./configuration.js";
import * as files from "./files.js";
import * as log from "./log.js";
import * as marks from "./marks.js";
import * as situation from "./situation.js";
import * as view from "./view.js";

const REFRESH_MS = 5000;
const MOST_POINTS = 600; // one for two pixels, extremes among them; more of them would be most of the page's bytes
const HIDDEN_MS = 30_000;
const TICK_MS = 1000;

const root = document.getElementById("monitor");
const url = `/api/jobs/${root.dataset.job}`;
const points = new Points();
let etag = null;
let findings = [];
let shownState = root.dataset.state; // of the parts that the server renders

async function ask() {
  const answer = await callIfChanged(`${url}?since=${points.cursor}&max_points=${MOST_POINTS}`, etag);
  if (answer.changed) await show(answer.data);
  etag = answer.etag; // only now: what failed half-way is asked again
  return !view.isTerminal();
}

async function show(data) {
  view.show(data.job);
  cancel.jobChanged();
  cards.show(data.job, data.situation, data.trends);
  situation.show(data.situation);
  points.take(data);
  findings = marks.findingsOf(data.job.warnings);
  drawCharts();
  log.jobChanged(data.job);
  if (await refreshRegions(data.job)) drawCharts(); // there may be new checkpoints
}

function drawCharts() {
  const checkpoints = marks.checkpointsOf(document.getElementById("checkpoint-rows"));
  charts.draw(points, { ended: view.isTerminal(), onCpu: "onCpu" in root.dataset, checkpoints, findings });
}

/** Whether there was anything to refresh. */
async function refreshRegions(job) {
  const { status, current_stage: stage, attempt, external_job_id: external, artifact_status: artifact } = job;
  const counts = [job.warnings.length, job.checkpoints_count, job.current_step ? "steps" : ""];
  const state = [status, stage, attempt, external ?? "", artifact ?? "", ...counts].join("|");
  if (state === shownState) return false;
  await refresh("[data-region]");
  situation.phasesAreFresh();
  shownState = state;
  return true;
}

const live = follow({
  ask,
  everyMs: REFRESH_MS,
  hiddenMs: HIDDEN_MS,
});

setInterval(() => {
  if (document.hidden || view.isTerminal()) return;
  view.tick();
  situation.tick();
}, TICK_MS);

// Much of what happens changes nothing else of the page.
document.getElementById("panel-timeline").addEventListener("tab-open", () => {
  if (!view.isTerminal()) refresh('[data-region="timeline"]').catch(() => {}); // the next opening tries again
});

bar.enliven();
cancel.enliven(url, {
  onAnswer: () => {
    etag = null;
    live.now();
  },
});
again.enliven(url);
files.enliven(url);
log.enliven(url);
configuration.enliven(url, root.dataset.job);
