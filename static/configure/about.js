// What is known of the chosen dataset and base model, and the name that the job would get.

import { form } from "./form.js";
import { localize } from "../times.js";

const facts = document.getElementById("dataset-facts");
let asked = null;

/** Fetches what the server says of the chosen dataset, unless it stands there already. */
export async function showDataset() {
  const id = form.elements.dataset_id.value;
  if (facts.querySelector("[data-dataset]")?.dataset.dataset === id) return;
  asked?.abort();
  if (!id) return;
  asked = new AbortController();
  facts.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/training/configure/datasets/${id}`, { signal: asked.signal, cache: "no-store" });
    if (!response.ok || response.redirected) throw new Error(`The page answered ${response.status}`);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    localize(fresh);
    facts.replaceChildren(...fresh.body.children);
  } catch (error) {
    if (error.name === "AbortError") return;
    facts.textContent = "Its statistics cannot be shown at the moment.";
  }
  facts.setAttribute("aria-busy", "false");
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
