// Costs: a range applies as it is chosen, bars say their figures, what runs now is kept true while the page is open.

import { follow } from "../live.js";
import { refresh } from "../regions.js";

const REFRESH_MS = 30_000;
const HIDDEN_MS = 300_000;

const form = document.querySelector(".span-form");
form?.querySelector("#range").addEventListener("change", (event) => {
  if (event.target.value === "custom") form.querySelector("#from").focus();
  else form.requestSubmit();
});
// Dates that do not count stay out of the URL.
form?.addEventListener("formdata", ({ formData }) => {
  if (formData.get("range") === "custom") return;
  formData.delete("from");
  formData.delete("to");
});

const readout = document.getElementById("readout");
document.querySelector(".plot")?.addEventListener("pointerover", (event) => {
  readout.textContent = event.target.closest(".bar")?.dataset.says ?? "\u00a0";
});

const isLive = () => document.getElementById("running")?.dataset.live === "true";

if (isLive()) {
  follow({
    everyMs: REFRESH_MS,
    hiddenMs: HIDDEN_MS,
    ask: async () => {
      await refresh("#running");
      return isLive();
    },
  });
}
