// The form's fields: what they ask the API for, the preset behind them, and errors beside them.

const form = document.getElementById("configure");
const presets = JSON.parse(document.getElementById("preset-values").textContent);
const rules = [...form.querySelectorAll("[data-sentinel]")];
const hyperparameters = [...form.querySelectorAll("[data-hyperparameter]")];

// The API names a field by its path; here is the control that shows it.
const CONTROLS = { "gpu_config.type": "gpu_type", "gpu_config.count": "gpu_count", gpu_config: "gpu_type" };

const preset = () => form.elements.preset_id.value;

/** The value of a field as the API wants it; text that is no number goes as it is, for the API to refuse. */
function valueOf(field) {
  if (field.dataset.hyperparameter === "flag") return field.checked;
  return field.dataset.hyperparameter === "choice" ? field.value : numberIn(field);
}

function numberIn(field) {
  const text = field.value.trim();
  const number = Number(text.replace(",", "."));
  return text === "" || Number.isNaN(number) ? text : number;
}

/** Puts the chosen preset's values into the fields. */
export function fillFromPreset() {
  for (const field of hyperparameters) {
    const value = presets[preset()][field.name];
    if (field.dataset.hyperparameter === "flag") field.checked = value;
    else field.value = value;
  }
  if (preset() === "custom") document.getElementById("advanced").open = true;
  markChanges();
}

/** Says at each field whether it differs from the preset, and how many examples a step will see. */
export function markChanges() {
  for (const field of hyperparameters) {
    field.closest(".field").classList.toggle("is-changed", isChanged(field) && preset() !== "custom");
  }
  const product = ["batch_size", "gradient_accumulation_steps", "gpu_count"]
    .map((name) => Number(form.elements[name].value))
    .reduce((one, other) => one * other);
  document.getElementById("effective-batch").textContent = Number.isFinite(product) ? String(product) : "—";
}

const isChanged = (field) => valueOf(field) !== presets[preset()][field.name];

/** The body of POST /api/jobs/estimate: the preset, and only what differs from it. */
export function configuration() {
  const changed = hyperparameters.filter(isChanged).map((field) => [field.name, valueOf(field)]);
  return {
    dataset_id: form.elements.dataset_id.value,
    validation_dataset_id: form.elements.validation_dataset_id.value || null,
    base_model: form.elements.base_model.value,
    preset_id: preset(),
    hyperparameters: Object.fromEntries(changed),
    max_cost: form.elements.max_cost.value.trim() === "" ? null : numberIn(form.elements.max_cost),
    gpu_config: { type: form.elements.gpu_type.value, count: Number(form.elements.gpu_count.value) },
  };
}

/** The body of POST /api/jobs. */
export function request() {
  const sentinel = Object.fromEntries(rules.map((field) => [field.dataset.sentinel, field.value]));
  return { ...configuration(), name: form.elements.name.value.trim(), sentinel };
}

/**
 * Shows the API's complaints beside their fields and takes former ones away.
 * @param {object} details `{field: [messages]}`; fields may be paths such as "hyperparameters.rank"
 * @returns {{first: HTMLElement | null, unplaced: string[]}} the first wrong control, and messages without one
 */
export function showErrors(details) {
  clearErrors();
  let first = null;
  const unplaced = [];
  for (const [path, messages] of flatten(details)) {
    const control = document.getElementById(controlOf(path));
    const place = control && document.getElementById(`${control.id}-error`);
    if (!place) {
      unplaced.push(...messages);
      continue;
    }
    place.textContent = messages.join(" ");
    control.setAttribute("aria-invalid", "true");
    if (document.getElementById("advanced").contains(control)) document.getElementById("advanced").open = true;
    first ??= control;
  }
  return { first, unplaced };
}

function controlOf(path) {
  const name = path.split(".").at(-1);
  return CONTROLS[path] ?? (path.startsWith("sentinel.") ? `sentinel_${name}` : name);
}

/** Takes every complaint away. */
export function clearErrors() {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

function flatten(details, prefix = "") {
  return Object.entries(details ?? {}).flatMap(([key, value]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value)) return [[path, value.map(String)]];
    if (value !== null && typeof value === "object") return flatten(value, path);
    return [[path, [String(value)]]];
  });
}
