// Starting the job: one job however often the form is sent, and nothing lost when it cannot be.

import { ApiError } from "../api-error.js";
import { call, newKey } from "../api.js";
import { remedy } from "../problem.js";
import * as draft from "./draft.js";
import { request, unchosen } from "./form.js";
import { hideSummary, showErrors, summarize } from "./problems.js";

const problem = document.getElementById("form-error");
const button = document.getElementById("create");

// One key for whatever this form asks for, until it is known to have made a job: a refusal uses no key up, and a try
// whose answer was lost may have made the job that the next try, with the same key, then gets.
let key = newKey();
let isPending = false; // sent, and no answer said what became of it
let isBusy = false;
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
  if (isBusy || isDone) return;
  hideProblems();
  const missing = unchosen();
  if (Object.keys(missing).length) {
    refuse(new ApiError(400, "incomplete", "", missing));
    return;
  }
  const wasPending = isPending;
  isPending = true;
  draft.keep(key);
  hold("Starting…");
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
    release();
    // Words of ours refuse this try; what became of an earlier one without an answer they do not say.
    if (error.status >= 400 && error.status < 500 && error.code !== "error") isPending = wasPending;
    refuse(error);
  }
}

function refuse(error) {
  // The earlier try arrived: what is sent from now on is another job.
  if (error.code === "idempotency_conflict") [key, isPending] = [newKey(), false];
  draft.keep(pendingKey());
  if (error.status === 400 || error.status === 404) {
    const { placed, unplaced } = showErrors(error.details);
    const title = placed.length === 1 ? "One field needs a look" : `${placed.length} fields need a look`;
    if (placed.length) {
      summarize(`The job was not started. ${title}.`, placed, unplaced);
      complain(`Not started: ${title.toLowerCase()}.`);
      placed[0].control.focus();
      return;
    }
  }
  const help = remedy(error);
  complain(...wordsFor(error, help));
  if (error.retryAfter) wait(error.retryAfter);
  // Where pressing the button again is what helps, the focus stays on it.
  else help?.focus();
}

function wordsFor(error, help) {
  if (error.code === "idempotency_conflict" && error.details.job_id) {
    const earlier = document.createElement("a");
    earlier.href = `/training/jobs/${error.details.job_id}`;
    earlier.textContent = error.details.name;
    return ["Your earlier try arrived after all and made the job ", earlier, ". Open it, or start another one with these settings."];
  }
  if (help) return [`${error.message} What you filled in is kept. `, help];
  if (isPending) {
    return [`${error.message} What you filled in is kept. Start it again when it answers: that makes one job, however often it is sent.`];
  }
  return [`${error.message} The job was not started; what you filled in is kept.`];
}

function complain(...words) {
  problem.replaceChildren(...words);
  problem.hidden = false;
  problem.scrollIntoView({ block: "nearest" });
}

/** The button says so while it is not to be pressed. It keeps the focus, which a disabled one would lose. */
function hold(words) {
  isBusy = true;
  button.setAttribute("aria-disabled", "true");
  button.textContent = words;
}

function release() {
  isBusy = false;
  button.removeAttribute("aria-disabled");
  button.textContent = "Start training";
}

function wait(seconds) {
  if (seconds <= 0) return release();
  hold(`Try again in ${seconds} s`);
  setTimeout(wait, 1000, seconds - 1);
}
