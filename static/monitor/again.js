// A new job out of an ended one: the same again, or on from one of its checkpoints with some settings changed.

import { call, newKey } from "../api.js";
import { clearErrors, showError } from "../fields.js";
import { toast } from "../toast.js";

const keys = new Map(); // of what was asked and not answered yet: asked again, it is the same job
const dialog = () => document.getElementById("resume-dialog"); // the server renders it anew when the job changes

/** Brings retry and resume to life, wherever their buttons come to stand. */
export function enliven(url) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-retry], [data-resume], #resume-dialog [data-close]");
    if (!button) return;
    if (button.matches("[data-retry]")) retry(url, button);
    else if (button.matches("[data-resume]")) ask(button.dataset.resume);
    else dialog().close();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "resume-form") return;
    event.preventDefault();
    resume(url, event.target);
  });
}

/** Opens the dialog for the checkpoint "attempt/restart/step", or for "latest". */
function ask(checkpoint) {
  const choice = dialog().querySelector("select");
  if (checkpoint === "latest") choice.selectedIndex = 0;
  else choice.value = checkpoint;
  clearErrors(dialog().querySelector("form"), "resume");
  dialog().showModal();
}

async function retry(url, button) {
  button.disabled = true;
  try {
    await start(url, {});
  } catch (error) {
    toast(`Not started: ${error.message}`, "bad");
    button.disabled = false;
  }
}

async function resume(url, form) {
  const submit = form.querySelector('[type="submit"]');
  const [attempt, restart, step] = form.elements.checkpoint.value.split("/").map(Number);
  submit.disabled = true;
  try {
    await start(url, {
      resume_from: { attempt, restart, step },
      hyperparameters: changed(form),
      ...budget(form.elements.max_cost),
    });
  } catch (error) {
    showError(form, "resume", error, controlsOf(form));
    submit.disabled = false;
  }
}

/** The settings that differ from the former job's; an emptied field is sent, so that the server can say so. */
function changed(form) {
  const fields = [...form.querySelectorAll("[data-was]")].filter((field) => field.value !== field.dataset.was);
  return Object.fromEntries(fields.map((field) => [field.name, field.value === "" ? null : Number(field.value)]));
}

/** The budget, where it differs from the former job's; an emptied field means none, what is no number is refused. */
function budget(field) {
  if (field?.validity.badInput) return { max_cost: "" }; // such a field reads as if it were empty
  if (!field || field.value === field.defaultValue) return {};
  return { max_cost: field.value === "" ? null : Number(field.value) };
}

async function start(url, body) {
  const asked = JSON.stringify(body);
  if (!keys.has(asked)) keys.set(asked, newKey());
  const { job } = await call(`${url}/retry`, { method: "POST", body, headers: { "Idempotency-Key": keys.get(asked) } });
  keys.delete(asked);
  location.assign(`/training/jobs/${job.id}`);
}

/** What the API calls the form's fields. */
function controlsOf(form) {
  const settings = [...form.querySelectorAll("[data-was]")].map(({ name }) => [`hyperparameters.${name}`, name]);
  return { resume_from: "checkpoint", ...Object.fromEntries(settings) };
}
