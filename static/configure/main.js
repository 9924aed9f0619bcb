// The form for a new job: presets fill it, the estimate follows it, one submit makes one job.

import { duration } from "../format.js";
import { showDataset, showLimit, showModel, suggestName } from "./about.js";
import { showCalls } from "./calls.js";
import * as combobox from "./combobox.js";
import * as draft from "./draft.js";
import { estimateSoon } from "./estimate.js";
import { form } from "./form.js";
import * as presets from "./presets.js";
import { hideProblems, pendingKey, resume, send, wasSent } from "./submit.js";

const byId = (id) => document.getElementById(id);
const fields = [form.elements.dataset_id, form.elements.validation_dataset_id, form.elements.base_model];
const searches = fields.map(combobox.enliven);

/** Everything that depends on the fields, brought in step with them. */
function follow() {
  presets.mark();
  showDataset();
  showModel();
  suggestName();
  showCalls();
  showLimit();
  estimateSoon();
}

function changed() {
  follow();
  hideProblems();
  draft.keep(pendingKey());
}

form.addEventListener("input", (event) => {
  if (!event.target.name) return; // the field of a search
  if (event.target.name === "preset_id") presets.choose();
  changed();
});

for (const [id, act] of [
  ["preset-reset", presets.toPreset],
  ["preset-undo", presets.undoReplacement],
]) {
  byId(id).addEventListener("click", () => {
    act();
    changed();
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

// Enter alone is for fields: it would be too easy to spend money with it. Ctrl+Enter starts from anywhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit();
  } else if (form.contains(event.target) && event.target.matches("input, select")) event.preventDefault();
});

function bringBack(kept) {
  draft.restore(kept);
  for (const search of searches) search?.show();
  resume(kept.pending);
  presets.openIfChanged();
}

const kept = draft.kept();
if (kept && draft.isReturn()) bringBack(kept);
else if (kept) {
  byId("draft-words").textContent = `You left this form unsent ${duration((Date.now() - kept.at) / 1000)} ago.`;
  byId("draft").hidden = false;
}
byId("draft-restore").addEventListener("click", () => {
  bringBack(kept);
  byId("draft").hidden = true;
  follow();
});
byId("draft-drop").addEventListener("click", () => {
  draft.drop();
  byId("draft").hidden = true;
});

// A page that comes back from the browser's memory after its job was made is a form that is opened anew.
addEventListener("pageshow", (event) => {
  if (event.persisted && wasSent()) location.reload();
});

follow();
