// What is known of the chosen dataset and base model, and the name that the job would get.

import { page } from "../api.js";
import { count } from "../format.js";
import { showProblem } from "../problem.js";
import { localize } from "../times.js";
import { form, numberIn } from "./form.js";

const facts = document.getElementById("dataset-facts");
let asked = null;

/** Fetches what the server says of the chosen dataset, unless it stands there already. */
export async function showDataset() {
  const id = form.elements.dataset_id.value;
  asked?.abort();
  if (!id || facts.querySelector("[data-dataset]")?.dataset.dataset === id) {
    facts.setAttribute("aria-busy", "false");
    return;
  }
  asked = new AbortController();
  facts.setAttribute("aria-busy", "true");
  try {
    const { content: fresh } = await page(`/training/configure/datasets/${id}`, { signal: asked.signal });
    localize(fresh);
    facts.replaceChildren(...fresh.body.children);
    showLimit();
  } catch (error) {
    if (error.name === "AbortError") return;
    showProblem(facts, error, showDataset);
  }
  facts.setAttribute("aria-busy", "false");
}

/** Where the maximum length cuts, in the picture of the examples' lengths. */
export function showLimit() {
  const picture = facts.querySelector(".lengths svg");
  if (!picture) return;
  const limit = numberIn(form.elements.max_length);
  const [first, last] = [Number(picture.dataset.first), Number(picture.dataset.last)];
  const place = (100 * (Math.log2(limit) - first)) / (last - first);
  const isSeen = place > 0 && place < 100;
  const line = picture.querySelector("line");
  line.toggleAttribute("hidden", !isSeen);
  for (const end of ["x1", "x2"]) line.setAttribute(end, isSeen ? place : 100);
  facts.querySelector("[data-limit]").textContent = isSeen ? `┆ cut at ${count(limit)}` : "";
}

export function showModel() {
  const chosen = form.elements.base_model.selectedOptions[0];
  for (const place of document.querySelectorAll("#model-facts [data-fact]")) {
    place.textContent = chosen?.dataset[place.dataset.fact] ?? "—";
  }
}

/** What the server will call a job without a name of its own. */
export function suggestName() {
  const [dataset] = (form.elements.dataset_id.selectedOptions[0]?.textContent ?? "").split(" — ");
  form.elements.name.placeholder = form.elements.dataset_id.value ? `${dataset} · ${form.elements.preset_id.value}` : "";
}
