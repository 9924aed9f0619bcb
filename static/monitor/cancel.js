// Cancel, after a question; and retry. Both go to the API, and the page follows its answer.

import { call } from "../api.js";
import { toast } from "../toast.js";
import * as view from "./view.js";

const dialog = document.getElementById("cancel-dialog");

/** Brings the buttons to life. `onAnswer` runs when the server has answered a cancel. */
export function enliven(url, { onAnswer }) {
  document.getElementById("cancel-open").addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "cancel") cancel(url, onAnswer);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-retry]");
    if (button) retry(url, button);
  });
}

async function cancel(url, onAnswer) {
  view.setCancelAsked(true);
  try {
    const { job } = await call(`${url}/cancel`, { method: "POST", body: {} });
    view.show(job);
  } catch (error) {
    toast(`Not cancelled: ${error.message}`, "bad");
  }
  view.setCancelAsked(false);
  onAnswer();
}

async function retry(url, button) {
  button.disabled = true;
  try {
    const { job } = await call(`${url}/retry`, { method: "POST", body: {} });
    location.assign(`/training/jobs/${job.id}`);
  } catch (error) {
    toast(`Not started: ${error.message}`, "bad");
    button.disabled = false;
  }
}
