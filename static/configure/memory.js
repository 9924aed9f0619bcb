// How much memory each GPU would need, and what that means for every type on offer.

import { gibibytes, words } from "../format.js";

const need = document.getElementById("memory-need");
const verdicts = document.getElementById("verdicts");
const parts = document.getElementById("memory-parts");

/** Shows an estimate's `memory` and `fits`; null while there is no estimate. */
export function showMemory(estimate) {
  const memory = estimate?.memory ?? null;
  need.textContent = memory
    ? `About ${gibibytes(memory.total_gib)} are needed, however many GPUs there are.`
    : estimate
      ? "Not known: the catalog lacks the base model's architecture."
      : "—";
  for (const row of verdicts.children) {
    const fit = estimate?.fits.find((each) => each.type === row.dataset.gpu);
    row.querySelector("span[data-verdict]").replaceChildren(...(fit ? [badge(fit.verdict)] : []));
  }
  parts.hidden = memory === null;
  if (memory) parts.querySelector("dl").replaceChildren(...Object.entries(memory.per_part).flatMap(part));
}

const badge = (verdict) => document.querySelector(`template[data-verdict="${verdict}"]`).content.cloneNode(true);

function part([name, gib]) {
  const [term, value] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = words(name);
  value.textContent = gib < 0.05 ? "under 0.1 GiB" : gibibytes(gib);
  return [term, value];
}
