// Cancel, after a question. The wish goes to the API, and the page follows its answer.

import { call } from "../api.js";
import { toast } from "../toast.js";
import * as view from "./view.js";

const dialog = document.getElementById("cancel-dialog");

/** Brings the button to life. `onAnswer` runs when the server has answered a cancel. */
export function enliven(url, { onAnswer }) {
  document.getElementById("cancel-open").addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "cancel") cancel(url, onAnswer);
  });
}

async function cancel(url, onAnswer) {
  view.setCancelAsked(true);
  const keepsAdapter = document.getElementById("keep-adapter")?.checked ?? false; // absent where a cluster cannot
  try {
    const { job } = await call(`${url}/cancel`, { method: "POST", body: { keep_adapter: keepsAdapter } });
    view.show(job);
  } catch (error) {
    toast(`Not cancelled: ${error.message}`, "bad");
  }
  view.setCancelAsked(false);
  onAnswer();
}
