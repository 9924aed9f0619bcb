// The list of jobs: what the address says, shown without a new page; rows follow their jobs.

import { follow } from "../live.js";
import { fetchPart } from "../parts.js";
import * as cancel from "./cancel.js";
import * as filters from "./filters.js";
import * as results from "./results.js";
import * as selection from "./selection.js";

const REFRESH_MS = 6_000;
const HIDDEN_MS = 60_000;

const said = document.getElementById("list-said");
let etag = null;
let going = null;
let visits = 0; // how often the reader went to a list

/** Shows the list at `address`; where that fails the browser goes there itself and shows what is wrong. */
async function go(address, { replace = false, remember = true } = {}) {
  going?.abort();
  visits += 1;
  const mine = (going = new AbortController());
  try {
    const answer = await fetchPart("results", address, { signal: mine.signal });
    if (mine.signal.aborted) return;
    if (remember) history[replace ? "replaceState" : "pushState"](null, "", address);
    etag = answer.etag;
    results.show(answer.content);
    selection.restore();
    said.textContent = results.summary();
    going = null;
  } catch {
    if (!mine.signal.aborted) location.assign(address);
  }
}

async function renew() {
  if (going) return;
  const before = visits;
  const answer = await fetchPart("results", location.href, { etag });
  if (visits !== before || !answer.changed) return; // what is shown by now was asked for later
  etag = answer.etag;
  for (const job of results.renew(answer.content)) cancel.follow(job);
  selection.restore();
}

results.enliven({ onLink: (address) => go(address), onNews: () => go(location.href, { remember: false }) });

if (filters.enliven({ onChange: go })) {
  selection.enliven({ say: (text) => (said.textContent = text) });
  addEventListener("popstate", () => {
    filters.read(new URLSearchParams(location.search));
    go(location.href, { remember: false });
  });
}

const live = follow({
  ask: renew,
  everyMs: REFRESH_MS,
  hiddenMs: HIDDEN_MS,
});
cancel.enliven({ onAnswer: live.now });
