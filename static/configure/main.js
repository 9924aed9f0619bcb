// The form for a new job: presets fill it, the estimate follows it, one submit makes one job.

import { call, newKey } from "../api.js";
import { estimateSoon } from "./estimate.js";
import * as form from "./form.js";

const element = document.getElementById("configure");
const problem = document.getElementById("form-error");
const button = document.getElementById("create");

// Made when the form is opened and kept until the server has refused: however often the same request
// is sent, it is one job.
let key = newKey();

element.addEventListener("change", (event) => {
  if (event.target.name === "preset_id") form.fillFromPreset();
});

element.addEventListener("input", () => {
  form.markChanges();
  problem.hidden = true;
  estimateSoon();
});

element.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  button.textContent = "Starting…";
  problem.hidden = true;
  try {
    const { job } = await call("/api/jobs", {
      method: "POST",
      body: form.request(),
      headers: { "Idempotency-Key": key },
    });
    location.assign(`/training/jobs/${job.id}`);
  } catch (error) {
    refuse(error);
    button.disabled = false;
    button.textContent = "Start training";
  }
});

function refuse(error) {
  // A clear refusal made no job, so the corrected form is a new request.
  if (error.status >= 400 && error.status < 500 && error.status !== 409) key = newKey();
  const { first, unplaced } = form.showErrors(error.status === 400 ? error.details : {});
  problem.textContent = first && unplaced.length === 0 ? "Please correct the marked fields." : error.message;
  problem.hidden = false;
  first?.focus();
}

// A page that comes back from the browser's memory is a form that is opened anew.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

form.markChanges();
estimateSoon();
