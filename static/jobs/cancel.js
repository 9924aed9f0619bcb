// Cancel from the list, after a question; told once it is true.

import { call } from "../api.js";
import { toast } from "../toast.js";

const dialog = document.getElementById("cancel-dialog");
const asked = new Map(); // id → name of jobs whose cancel was asked for here
let opened = null;

/** Brings the rows' cancel buttons to life. `onAnswer` runs when the server has answered a cancel. */
export function enliven({ onAnswer }) {
  if (!dialog) return;
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-cancel]");
    if (button) open(button);
  });
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue === "cancel") await cancel(opened);
    document.getElementById(`cancel-${opened.id}`)?.focus();
    onAnswer();
  });
}

/** Tells of a job that has ended because of a cancel that was asked for here. */
export function follow({ id, name, status }) {
  if (!asked.has(id) || !["cancelled", "completed", "failed"].includes(status)) return;
  asked.delete(id);
  if (status === "cancelled") toast(`${name}: training job cancelled successfully`, "good");
  else toast(`${name} ended before it could be cancelled: ${status}`);
}

function open(button) {
  const { name } = button.closest("tr").dataset;
  opened = { id: button.dataset.cancel, name };
  dialog.querySelector("[data-cancel-name]").textContent = name;
  dialog.querySelector("[data-cancel-billed]").textContent = button.dataset.billed;
  // As on the job's own page: what was paid for is kept unless somebody says otherwise.
  const hasLearned = "learned" in button.dataset;
  document.getElementById("keep-adapter").checked = hasLearned;
  document.getElementById("keep-adapter-choice").hidden = !hasLearned;
  dialog.returnValue = "";
  dialog.showModal();
}

async function cancel({ id, name }) {
  asked.set(id, name);
  try {
    const body = { keep_adapter: document.getElementById("keep-adapter").checked };
    await call(`/api/jobs/${id}/cancel`, { method: "POST", body });
  } catch (error) {
    asked.delete(id);
    toast(`${name} was not cancelled: ${error.message}`, "bad");
  }
}
