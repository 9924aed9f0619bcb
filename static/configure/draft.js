// What is in the form, kept in this tab until the job is made: a reload, the back button or a login lose nothing.

import { form } from "./form.js";

// Whoever logs in next in this tab finds nothing of the one before.
const key = `configure ${form.dataset.owner} ${location.pathname}${location.search}`;
const advanced = document.getElementById("advanced");
const controls = [...form.elements].filter(({ name, type }) => name && !["hidden", "submit"].includes(type));

/**
 * @param {string | null} pending the Idempotency-Key of a request whose answer did not come: it may have made a job
 */
export function keep(pending) {
  const values = Object.fromEntries(controls.map((control) => [identity(control), valueOf(control)]));
  const draft = { values, pending, advanced: advanced.open, at: Date.now() };
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // Full or forbidden: then there is no draft.
  }
}

export function drop() {
  sessionStorage.removeItem(key);
}

/** The draft of this address, or null; one that an older form wrote in another way is none. */
export function kept() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(key));
    return draft?.values && typeof draft.values === "object" && Number.isFinite(draft.at) ? draft : null;
  } catch {
    return null;
  }
}

/** Fills the form from a draft. What is no choice any more stays as it is. */
export function restore(draft) {
  for (const control of controls) {
    const value = draft.values[identity(control)];
    if (typeof value !== (isSwitch(control) ? "boolean" : "string")) continue;
    if (isSwitch(control)) control.checked = value;
    else if (control.tagName !== "SELECT" || [...control.options].some((option) => option.value === value)) {
      control.value = value;
    }
  }
  if (draft.advanced) advanced.open = true;
}

/** Whether this page was asked for once more, or after a login, so that what stood in it is expected back. */
export function isReturn() {
  if (["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type)) return true;
  return document.referrer !== "" && new URL(document.referrer).pathname === "/login";
}

const isSwitch = (control) => ["radio", "checkbox"].includes(control.type);
const identity = (control) => (control.type === "radio" ? `${control.name}=${control.value}` : control.name);
const valueOf = (control) => (isSwitch(control) ? control.checked : control.value);
