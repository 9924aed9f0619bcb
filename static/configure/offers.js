// Which GPU? For every type on offer: whether the job fits its memory, how long it takes, what it costs.

import { ABSENT, dollars, duration, gibibytes, words } from "../format.js";

const table = document.getElementById("gpus");
const parts = document.getElementById("memory-parts");
const total = document.getElementById("memory-total");

/** Shows an estimate's `offers` and `memory`; null while there is none. */
export function showOffers(estimate) {
  const memory = estimate?.memory ?? null;
  for (const row of table.tBodies[0].rows) {
    const offer = estimate?.offers.find((each) => each.type === row.dataset.gpu);
    row.querySelector("span[data-verdict]").replaceChildren(...(offer ? [badge(offer.verdict)] : []));
    row.querySelector("[data-share]").textContent = shareOf(offer, memory);
    row.querySelector("[data-time]").textContent = range(offer?.duration_seconds, minutes);
    row.querySelector("[data-cost]").textContent = offer?.priced === false ? ABSENT : range(offer?.cost, dollars);
    if (offer?.priced) row.querySelector("[data-price]").textContent = dollars(offer.price_per_hour);
    row.title = offer?.based_on ? `Time and cost are ${offer.based_on}.` : "";
    for (const mark of row.querySelectorAll("[data-mark]")) {
      mark.hidden = !offer || estimate[mark.dataset.mark] !== offer.type;
    }
  }
  total.textContent = memory ? `: ${gibibytes(memory.total_gib)} on each GPU` : estimate ? ": not known" : "";
  parts.replaceChildren(...(memory ? Object.entries(memory.per_part).map((part) => line(part, memory.total_gib)) : []));
}

// A click anywhere in a row chooses it, as a click on its button does.
table.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-gpu]");
  if (!row || event.target.closest("label")) return;
  row.querySelector("input").click();
});

const badge = (verdict) => document.querySelector(`template[data-verdict="${verdict}"]`).content.firstElementChild.cloneNode(true);

function shareOf(offer, memory) {
  if (!offer?.gpu_gib) return "";
  return memory ? `${memory.total_gib.toFixed(1)} of ${offer.gpu_gib} GiB` : `${offer.gpu_gib} GiB`;
}

function line([name, gib], whole) {
  const group = document.createElement("div");
  const [term, value, bar] = ["dt", "dd", "progress"].map((tag) => document.createElement(tag));
  term.textContent = words(name);
  value.textContent = gib < 0.05 ? "under 0.1 GiB" : gibibytes(gib);
  bar.className = "progress";
  bar.max = whole;
  bar.value = gib;
  bar.setAttribute("aria-hidden", "true");
  group.append(term, bar, value);
  return group;
}

export const minutes = (seconds) => duration(Math.ceil(seconds / 60) * 60);

/** {low, high} as "4 min – 8 min", or "—". */
export function range(ends, write) {
  if (!ends) return ABSENT;
  const [low, high] = [write(ends.low), write(ends.high)];
  return low === high ? low : `${low} – ${high}`;
}
