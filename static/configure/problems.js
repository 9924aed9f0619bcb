// What the API says of single fields: complaints and advice beside them, and a summary on top that leads to each.

import { form } from "./form.js";

// The API names a field by its path; here is the control that shows it.
const CONTROLS = { "gpu_config.type": "gpu_type", "gpu_config.count": "gpu_count", gpu_config: "gpu_type" };

const advanced = document.getElementById("advanced");
const summary = document.getElementById("problems");

/**
 * Shows complaints beside their fields and takes former ones away.
 * @param {object} details `{field: [messages]}`; fields may be paths such as "hyperparameters.rank"
 * @returns {{placed: {control: HTMLElement, label: string, message: string}[], unplaced: string[]}}
 */
export function showErrors(details) {
  clearErrors();
  const [placed, unplaced] = [[], []];
  for (const [path, messages] of flatten(details)) {
    const control = controlOf(path);
    const place = control && document.getElementById(`${control.name}-error`);
    if (!place) {
      unplaced.push(...messages);
      continue;
    }
    place.textContent = messages.join(" ");
    document.getElementById(`${control.name}-advice`)?.replaceChildren(); // what was advice is a refusal now
    // Of radio buttons none is wrong by itself; their fieldset is described by the complaint.
    if (control.type !== "radio") focusable(control).setAttribute("aria-invalid", "true");
    if (advanced.contains(control)) advanced.open = true;
    placed.push({ control: focusable(control), label: labelOf(control), message: messages.join(" ") });
  }
  // As they stand on the page, whatever the order of the answer.
  placed.sort((one, other) => (one.control.compareDocumentPosition(other.control) & 4 ? -1 : 1));
  return { placed, unplaced };
}

/** Takes every complaint away. */
export function clearErrors() {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

/** The summary on top: a title, and a link to each wrong field or a plain sentence. */
export function summarize(title, placed, sentences) {
  document.getElementById("problems-title").textContent = title;
  const links = placed.map(({ control, label, message }) => link(control, `${label}: ${message}`));
  document.getElementById("problems-list").replaceChildren(...[...links, ...sentences].map(item));
  summary.hidden = false;
}

export function hideSummary() {
  summary.hidden = true;
}

/** Advice beside the fields it is about; `warnings` as the API's `warnings_by_field`. */
export function showAdvice(warnings) {
  for (const place of form.querySelectorAll(".advice")) place.textContent = "";
  for (const [path, messages] of Object.entries(warnings)) {
    const control = controlOf(path);
    const place = control && document.getElementById(`${control.name}-advice`);
    if (place) place.textContent = messages.join(" ");
  }
}

/** All advice as items of a list, each leading to its field. */
export function adviceItems(warnings) {
  return Object.entries(warnings).flatMap(([path, messages]) => {
    const control = controlOf(path);
    return messages.map((message) => item(control ? link(focusable(control), message) : message));
  });
}

/** <li> with a text or an element. */
export function item(content) {
  const element = document.createElement("li");
  element.append(content);
  return element;
}

function link(control, text) {
  const element = document.createElement("a");
  element.href = `#${control.id || control.name}`;
  element.textContent = text;
  element.addEventListener("click", (event) => {
    event.preventDefault();
    if (advanced.contains(control)) advanced.open = true;
    control.focus();
  });
  return element;
}

function controlOf(path) {
  const name = path.split(".").at(-1);
  const found = form.elements[CONTROLS[path] ?? (path.startsWith("sentinel.") ? `sentinel_${name}` : name)];
  return found instanceof RadioNodeList ? ([...found].find((radio) => radio.checked) ?? found[0]) : found;
}


/** What takes the focus for a control: the field of the search that stands in for a long list. */
const focusable = (control) => document.getElementById(`${control.id}-search`) ?? control;

function labelOf(control) {
  if (control.type === "radio") return control.closest("fieldset").querySelector("legend").textContent;
  const label = control.closest(".field").querySelector("label");
  return label.firstChild.textContent.trim() || label.textContent.trim();
}

function flatten(details, prefix = "") {
  return Object.entries(details ?? {}).flatMap(([key, value]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value)) return [[path, value.map(String)]];
    if (value !== null && typeof value === "object") return flatten(value, path);
    return [[path, [String(value)]]];
  });
}
