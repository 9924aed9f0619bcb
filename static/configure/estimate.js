// The live estimate: asked a moment after the last change, by the same rules as the job itself.

import { ApiError } from "../api-error.js";
import { call } from "../api.js";
import { ABSENT, count, dollars } from "../format.js";
import { showProblem } from "../problem.js";
import { configuration, form, numberIn, unchosen } from "./form.js";
import { minutes, range, showOffers } from "./offers.js";
import { adviceItems, clearErrors, item, showAdvice, showErrors } from "./problems.js";

const PAUSE_MS = 300;

const byId = (id) => document.getElementById(id);
const list = byId("estimate");
const state = byId("estimate-state");
let timer = null;
let asked = null;

/** Asks for an estimate once the user pauses; a newer question drops the older one. */
export function estimateSoon() {
  asked?.abort();
  clearTimeout(timer);
  list.setAttribute("aria-busy", "true");
  state.textContent = "Computing…";
  timer = setTimeout(ask, PAUSE_MS);
}

async function ask() {
  const mine = new AbortController();
  asked = mine;
  try {
    const missing = unchosen();
    if (Object.keys(missing).length) throw new ApiError(400, "incomplete", "", missing);
    const estimate = await call("/api/jobs/estimate", { method: "POST", body: configuration(), signal: mine.signal });
    if (mine.signal.aborted) return;
    show(estimate);
    clearErrors();
    explain("");
  } catch (error) {
    if (mine.signal.aborted) return;
    show(null);
    if (error.status === 400 || (error.status === 404 && Object.keys(error.details).length)) {
      const { unplaced } = showErrors(error.details);
      explain(unplaced.join(" ") || "It comes when the marked fields are right.");
    } else {
      explain("");
      showProblem(byId("estimate-problem"), error, estimateSoon);
    }
  }
  list.setAttribute("aria-busy", "false");
  state.textContent = "";
}

/** Why there is no estimate, where nothing but the choices is to blame; "" for no such reason. */
function explain(words) {
  const place = byId("estimate-problem");
  place.textContent = words;
  place.className = words ? "alert alert-warn small" : "";
}

function show(estimate) {
  const [cost, time] = [range(estimate?.cost, dollars), range(estimate?.duration_seconds, minutes)];
  const texts = {
    cost,
    duration: time,
    price: dollars(estimate?.price_per_hour),
    steps: count(estimate?.steps),
    examples: count(estimate?.training_examples),
    validation: estimate?.validation_examples === 0 ? "nothing" : count(estimate?.validation_examples),
    tokens: tokens(estimate, "tokens"),
    trained: tokens(estimate, "trained_tokens"),
    lost: lost(estimate),
  };
  for (const [name, text] of Object.entries(texts)) list.querySelector(`[data-estimate="${name}"]`).textContent = text;
  byId("gist-cost").textContent = cost;
  byId("gist-duration").textContent = time === ABSENT ? "" : time;
  say(`Cost ${cost}, duration ${time}`, estimate);
  showAdvice(estimate?.warnings_by_field ?? {});
  byId("estimate-warnings").replaceChildren(...adviceItems(estimate?.warnings_by_field ?? {}));
  const origin = estimate?.based_on ? [`Time and cost are ${estimate.based_on}.`] : [];
  byId("estimate-notes").replaceChildren(...[...origin, ...(estimate?.notes ?? [])].map(item));
  byId("budget-share").textContent = share(estimate?.cost);
  showOffers(estimate);
}

/** One sentence for those who hear the page, and only when it has changed. */
function say(sentence, estimate) {
  const fits = { tight: ", memory is tight", does_not_fit: ", it does not fit the GPU's memory" };
  const text = estimate ? `${sentence}${fits[estimate.memory?.verdict] ?? ""}.` : "";
  if (byId("estimate-said").textContent !== text) byId("estimate-said").textContent = text;
}

function share(cost) {
  const budget = numberIn(form.elements.max_cost);
  if (!cost || typeof budget !== "number" || budget <= 0) return "";
  const [low, high] = [cost.low, cost.high].map((end) => Math.round((100 * end) / budget));
  return `The estimate is ${low === high ? `about ${high}` : `${count(low)} to ${count(high)}`}% of the budget.`;
}

function tokens(estimate, name) {
  const text = count(estimate?.[name]);
  return estimate?.tokens_estimated && text !== ABSENT ? `≈ ${text}` : text;
}

function lost(estimate) {
  if (!estimate?.lost_tokens) return estimate?.lost_tokens === 0 ? "nothing" : ABSENT;
  const percent = estimate.lost_share < 0.01 ? "under 1" : Math.round(100 * estimate.lost_share);
  return `${percent}% of the tokens, in ${count(estimate.cut_examples)} examples`;
}
