// The live estimate: asked a moment after the last change, by the same rules as the job itself.

import { call } from "../api.js";
import { ABSENT, count, dollars, duration } from "../format.js";
import * as form from "./form.js";
import { showMemory } from "./memory.js";

const PAUSE_MS = 300;

const list = document.getElementById("estimate");
const notes = document.getElementById("estimate-notes");
const warnings = document.getElementById("estimate-warnings");
let timer = null;
let asked = null;

/** Asks for an estimate once the user pauses; a newer question drops the older one. */
export function estimateSoon() {
  clearTimeout(timer);
  list.setAttribute("aria-busy", "true");
  timer = setTimeout(ask, PAUSE_MS);
}

async function ask() {
  asked?.abort();
  const mine = new AbortController();
  asked = mine;
  try {
    show(await call("/api/jobs/estimate", { method: "POST", body: form.configuration(), signal: mine.signal }));
    form.clearErrors();
  } catch (error) {
    if (mine.signal.aborted) return;
    show(null);
    const { unplaced } = form.showErrors(error.status === 400 ? error.details : {});
    say(notes, error.status === 400 ? unplaced : [error.message]);
  }
  list.setAttribute("aria-busy", "false");
}

function show(estimate) {
  const texts = {
    cost: range(estimate?.cost, dollars),
    duration: range(estimate?.duration_seconds, (seconds) => duration(Math.ceil(seconds / 60) * 60)),
    price: dollars(estimate?.price_per_hour),
    steps: count(estimate?.steps),
    examples: count(estimate?.training_examples),
    validation: estimate?.validation_examples === 0 ? "nothing" : count(estimate?.validation_examples),
    tokens: tokens(estimate, "tokens"),
    trained: tokens(estimate, "trained_tokens"),
    lost: lost(estimate),
  };
  for (const [name, text] of Object.entries(texts)) {
    list.querySelector(`[data-estimate="${name}"]`).textContent = text;
  }
  say(warnings, estimate?.warnings ?? []);
  const origin = estimate?.based_on ? [`Time and cost are ${estimate.based_on}.`] : [];
  say(notes, [...origin, ...(estimate?.notes ?? [])]);
  showMemory(estimate);
}

function tokens(estimate, name) {
  const text = count(estimate?.[name]);
  return estimate?.tokens_estimated && text !== ABSENT ? `≈ ${text}` : text;
}

function lost(estimate) {
  if (!estimate?.lost_tokens) return estimate?.lost_tokens === 0 ? "nothing" : ABSENT;
  return `${tokens(estimate, "lost_tokens")} of ${count(estimate.cut_examples)} examples`;
}

function range(ends, write) {
  if (!ends) return ABSENT;
  const [low, high] = [write(ends.low), write(ends.high)];
  return low === high ? low : `${low} – ${high}`;
}

function say(list, sentences) {
  list.replaceChildren(
    ...sentences.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
}
