// The API's complaints beside the fields they are about, and what has no field in the form's own alert.

import { remedy } from "./problem.js";

/**
 * @param {HTMLFormElement} form with an alert `#<prefix>-error` and errors `#<prefix>-<field>-error`
 * @param {string} prefix
 * @param {ApiError} error whose `details` are {field: [messages]}
 * @param {object} controls where a field of the API has another name in the form
 */
export function showError(form, prefix, error, controls = {}) {
  clearErrors(form, prefix);
  let placed = null;
  for (const [field, messages] of Object.entries(error.details ?? {})) {
    const name = controls[field] ?? field;
    const place = document.getElementById(`${prefix}-${name}-error`);
    if (!place || !Array.isArray(messages)) continue;
    place.textContent = messages.join(" ");
    const control = form.querySelector(`[name="${name}"]`);
    control?.setAttribute("aria-invalid", "true");
    placed ??= control;
  }
  if (placed) {
    placed.focus();
    return;
  }
  const alert = document.getElementById(`${prefix}-error`);
  const help = remedy(error);
  alert.replaceChildren(error.message, ...(help ? [" ", help] : []));
  alert.hidden = false;
}

/** Says what is wrong with one field before anything is sent. */
export function showFieldError(form, prefix, name, message) {
  showError(form, prefix, { message, details: { [name]: [message] } });
}

/** Takes all complaints away. */
export function clearErrors(form, prefix) {
  document.getElementById(`${prefix}-error`).hidden = true;
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}
