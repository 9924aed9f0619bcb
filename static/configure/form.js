// The form's fields and what they ask the API for.

export const form = document.getElementById("configure");
export const presets = JSON.parse(document.getElementById("preset-values").textContent);
export const hyperparameters = [...form.querySelectorAll("[data-hyperparameter]")];
const rules = [...form.querySelectorAll("[data-sentinel]")];

// Not form.elements.gpu_type.value: of a single type that is its value, chosen or not.
const gpuType = () => form.querySelector('[name="gpu_type"]:checked')?.value ?? "";

export const preset = () => form.elements.preset_id.value;

/** The value of a field as the API wants it; text that is no number goes as it is, for the API to refuse. */
export function valueOf(field) {
  if (field.dataset.hyperparameter === "flag") return field.checked;
  return field.dataset.hyperparameter === "choice" ? field.value : numberIn(field);
}

/** Puts a value as `valueOf` gives it into its field. */
export function setValue(field, value) {
  if (field.dataset.hyperparameter === "flag") field.checked = value;
  else field.value = value;
}

const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
const THOUSANDS = /^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$/;

/** A number however people write it, as jobs/sent.py reads it: "0,5", "1,000", "$20"; null where nothing is written. */
export function numberIn(field) {
  const text = field.value.trim();
  if (text === "") return field.dataset.hyperparameter ? "" : null;
  const bare = text.replace(/^\$\s*/, "");
  const plain = THOUSANDS.test(bare) ? bare.replaceAll(",", "") : bare.replace(",", ".");
  const number = Number(plain);
  return NUMBER.test(plain) && Number.isFinite(number) ? number : text;
}

export const isChanged = (field) => valueOf(field) !== presets[preset()][field.name];

/** The body of POST /api/jobs/estimate: the preset, and only what differs from it. */
export function configuration() {
  const changed = hyperparameters.filter(isChanged).map((field) => [field.name, valueOf(field)]);
  return {
    dataset_id: form.elements.dataset_id.value,
    validation_dataset_id: form.elements.validation_dataset_id.value || null,
    base_model: form.elements.base_model.value,
    preset_id: preset(),
    hyperparameters: Object.fromEntries(changed),
    max_cost: numberIn(form.elements.max_cost),
    gpu_config: { type: gpuType(), count: Number(form.elements.gpu_count.value) },
  };
}

/** The body of POST /api/jobs. */
export function request() {
  const sentinel = Object.fromEntries(rules.map((field) => [field.dataset.sentinel, field.value]));
  return { ...configuration(), name: form.elements.name.value.trim(), sentinel };
}

/** What was not chosen yet and must be: {field: [sentences]} as the API would refuse it. */
export function unchosen() {
  const sentences = {
    dataset_id: "Choose a dataset.",
    base_model: "Choose a base model.",
    gpu_type: "Choose a GPU type.",
  };
  const isEmpty = (name) => (name === "gpu_type" ? gpuType() : form.elements[name].value) === "";
  const missing = Object.entries(sentences).filter(([name]) => isEmpty(name));
  return Object.fromEntries(missing.map(([name, sentence]) => [name, [sentence]]));
}
