// The job's configuration as JSON: fetched when it is opened, to read, copy or keep.

import { call } from "../api.js";
import { toast } from "../toast.js";

/** Brings the fold with the JSON to life. */
export function enliven(url, jobId) {
  const fold = document.getElementById("configuration-json");
  const shown = fold.querySelector("pre");
  let text = "";

  async function fetched() {
    if (!text) text = JSON.stringify(await call(`${url}/configuration`), null, 2);
    return text;
  }

  fold.addEventListener("toggle", async () => {
    if (!fold.open || text) return;
    try {
      shown.textContent = await fetched();
      fold.querySelector("[data-copy]").dataset.copy = text;
    } catch (error) {
      shown.textContent = error.message;
    }
  });
  fold.querySelector("[data-keep]").addEventListener("click", async () => {
    try {
      save(await fetched(), `job-${jobId.slice(0, 8)}-configuration.json`);
    } catch (error) {
      toast(`No download: ${error.message}`, "bad");
    }
  });
}

function save(text, fileName) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text, "\n"], { type: "application/json" }));
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(link.href);
}
