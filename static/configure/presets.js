// The presets: they fill the fields, say what was changed since, and give changes back that a choice replaced.

import { form, hyperparameters, isChanged, preset, presets, setValue, valueOf } from "./form.js";

const advanced = document.getElementById("advanced");
const words = document.getElementById("preset-changed");
const reset = document.getElementById("preset-reset");
const undo = document.getElementById("preset-undo");
const cards = [...form.querySelectorAll('[name="preset_id"]')];

const usual = () => presets[preset()];
const isCustom = () => preset() === "custom";

let replaced = null; // what the last choice of a preset overwrote: [[field, value]]
let before = preset();

/** Puts the chosen preset's values into the fields; what differed from the former preset can be had back. */
export function choose() {
  const changes = before === "custom" ? [] : hyperparameters.filter((field) => valueOf(field) !== presets[before][field.name]);
  replaced = changes.length ? changes.map((field) => [field, valueOf(field)]) : null;
  fill();
  if (isCustom()) advanced.open = true;
}

/** Back to the preset. */
export function toPreset() {
  fill();
  replaced = null;
  mark();
  form.querySelector('[name="preset_id"]:checked').focus();
}

export function undoReplacement() {
  for (const [field, value] of replaced ?? []) setValue(field, value);
  replaced = null;
  mark();
}

/** Says at each field and at the preset whether they differ, and how many examples a step will see. */
export function mark() {
  before = preset();
  const changed = isCustom() ? [] : hyperparameters.filter(isChanged);
  for (const field of hyperparameters) field.closest(".field").classList.toggle("is-changed", changed.includes(field));
  for (const card of cards) card.closest(".choice").querySelector("[data-changed]").hidden = !(card.checked && changed.length);
  words.textContent = changed.length ? `${changed.length} ${changed.length === 1 ? "value" : "values"} changed` : "";
  reset.hidden = changed.length === 0;
  reset.textContent = `Reset to ${cards.find((card) => card.checked)?.dataset.label ?? "preset"}`;
  undo.hidden = replaced === null;
  const folded = changed.filter((field) => advanced.contains(field)).length;
  document.getElementById("advanced-changed").textContent = folded ? `(${folded} changed)` : "";
  const product = ["batch_size", "gradient_accumulation_steps", "gpu_count"]
    .map((name) => Number(form.elements[name].value))
    .reduce((one, other) => one * other);
  document.getElementById("effective-batch").textContent = Number.isFinite(product) ? String(product) : "—";
}

/** Opens the folded settings where one of them is not as usual: nothing that counts is out of sight. */
export function openIfChanged() {
  if (hyperparameters.some((field) => isChanged(field) && advanced.contains(field))) advanced.open = true;
}

function fill() {
  for (const field of hyperparameters) setValue(field, usual()[field.name]);
}
