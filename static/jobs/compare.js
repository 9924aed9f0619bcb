// Jobs side by side: a column lights up with its curve, curves and tables follow active jobs, more jobs can be added.

import { follow } from "../live.js";
import { fetchPart } from "../parts.js";
import * as curves from "./curves.js";
import * as tables from "./tables.js";

const REFRESH_MS = 6_000;
const HIDDEN_MS = 60_000;

const copy = document.querySelector("[data-copy-address]");
let etag = null;

copy.hidden = false;
copy.addEventListener("click", () => (copy.dataset.copy = location.href), { capture: true });
tables.enliven({ onLight: curves.emphasize });

follow({
  ask: async () => {
    if (etag || tables.isLive()) await renewTables();
    await curves.refresh(tables.ended());
    return tables.isLive();
  },
  everyMs: REFRESH_MS,
  hiddenMs: HIDDEN_MS,
});

async function renewTables() {
  const answer = await fetchPart("tables", location.href, { etag });
  if (!answer.changed) return;
  etag = answer.etag;
  tables.renew(answer.content);
}
