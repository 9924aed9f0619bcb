// Cancel, after a question. The wish goes to the API; the dialog stays until it is answered, and says what went wrong.

import { call } from "../api.js";
import { toast } from "../toast.js";
import * as view from "./view.js";

const dialog = document.getElementById("cancel-dialog");
const form = document.getElementById("cancel-form");
const problem = document.getElementById("cancel-error");
const submit = form.querySelector('[type="submit"]');
const KEEP = form.querySelector("[data-close]").textContent;

/** Brings the buttons to life. `onAnswer` runs when the server has answered a cancel, whatever it said. */
export function enliven(url, { onAnswer }) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-cancel-open]")) open();
    else if (event.target.closest("#cancel-dialog [data-close]")) dialog.close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    cancel(url, onAnswer);
  });
}

/** To be called when the job has changed: who still ponders learns that it has ended. */
export function jobChanged() {
  if (dialog.open && view.isTerminal()) say("The job has ended meanwhile.", { isOver: true });
}

function open() {
  problem.hidden = true;
  submit.hidden = false;
  dialog.showModal();
}

async function cancel(url, onAnswer) {
  problem.hidden = true;
  submit.disabled = true;
  view.setCancelAsked(true);
  // Without a choice there is nothing to keep, or the cluster cannot.
  const keepsAdapter = form.elements.keep_adapter?.value === "true";
  try {
    const { job } = await call(`${url}/cancel`, { method: "POST", body: { keep_adapter: keepsAdapter } });
    view.show(job);
    dialog.close();
    if (!view.isTerminal()) toast(keepsAdapter ? "Cancelling. Its adapter is kept." : "Cancelling.");
    onAnswer();
  } catch (error) {
    view.setCancelAsked(false);
    const isOver = error.status === 409;
    say(isOver ? error.message : `Not cancelled: ${error.message}`, { isOver });
    if (isOver) onAnswer(); // the page shows how it ended
  }
  submit.disabled = false;
}

/** Says in the dialog why it was not cancelled; `isOver`: trying again makes no sense. */
function say(why, { isOver }) {
  problem.textContent = isOver ? `${why} There is nothing to cancel any more.` : why;
  problem.hidden = false;
  submit.hidden = isOver;
  form.querySelector("[data-close]").textContent = isOver ? "Close" : KEEP;
}
