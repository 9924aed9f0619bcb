// Starting the job: one job however often the form is sent, and nothing lost when it cannot be.

import { ApiError } from "../api-error.js";
import { call, newKey } from "../api.js";
import { remedy } from "../problem.js";
import * as draft from "./draft.js";
import { request, unchosen } from "./form.js";
import { hideSummary, showErrors, summarize } from "./problems.js";

const problem = document.getElementById("form-error");
const button = document.getElementById("create");

// Kept until the server has refused: however often the same request is sent, it is one job.
let key = newKey();
let isPending = false; // sent, and no answer said what became of it
let isDone = false;

/** The key of a request whose answer never came; the next try is the same request. */
export function resume(pending) {
  if (!pending) return;
  [key, isPending] = [pending, true];
  complain("The last try to start this job got no answer. Start it again: if it had arrived, you get that job, not a second one.");
}

export const pendingKey = () => (isPending ? key : null);
export const wasSent = () => isDone;

export function hideProblems() {
  problem.hidden = true;
  hideSummary();
}

export async function send() {
  if (button.disabled || isDone) return;
  hideProblems();
  const missing = unchosen();
  if (Object.keys(missing).length) {
    refuse(new ApiError(400, "incomplete", "", missing));
    return;
  }
  button.disabled = true;
  button.textContent = "Starting…";
  isPending = true;
  draft.keep(key);
  try {
    const { job } = await call("/api/jobs", {
      method: "POST",
      body: request(),
      headers: { "Idempotency-Key": key },
    });
    isDone = true;
    draft.drop();
    location.assign(`/training/jobs/${job.id}`);
  } catch (error) {
    refuse(error);
    button.disabled = false;
    button.textContent = "Start training";
  }
}

function refuse(error) {
  // A clear refusal made no job, so the corrected form is a new request. Without one the next try has to be the same.
  if (error.status >= 400 && error.status < 500) [key, isPending] = [newKey(), false];
  draft.keep(pendingKey());
  if (error.status === 400) {
    const { placed, unplaced } = showErrors(error.details);
    const title = placed.length === 1 ? "One field needs a look" : `${placed.length} fields need a look`;
    if (placed.length) {
      summarize(`The job was not started. ${title}.`, placed, unplaced);
      complain(`Not started: ${title.toLowerCase()}.`);
      placed[0].control.focus();
      return;
    }
  }
  complain(...wordsFor(error));
}

function wordsFor(error) {
  if (error.code === "idempotency_conflict" && error.details.job_id) {
    const earlier = document.createElement("a");
    earlier.href = `/training/jobs/${error.details.job_id}`;
    earlier.textContent = error.details.name;
    return ["Your earlier try arrived after all and made the job ", earlier, ". Open it, or start another one with these settings."];
  }
  const help = remedy(error);
  if (help) return [`${error.message} What you filled in is kept. `, help];
  if (isPending) {
    return [`${error.message} What you filled in is kept. Start it again when it answers: that makes one job, however often it is sent.`];
  }
  return [error.message];
}

function complain(...words) {
  problem.replaceChildren(...words);
  problem.hidden = false;
}
