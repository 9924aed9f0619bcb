// The inbox: filters apply as they change, and new ones appear by themselves.

import { listen } from "./bell.js";
import { refresh } from "./regions.js";
import * as stale from "./stale.js";

const filters = document.querySelector(".inbox-filters");
filters?.querySelector("select").addEventListener("change", () => filters.requestSubmit());
// What is not chosen stays out of the URL.
filters?.addEventListener("formdata", ({ formData }) => {
  if (!formData.get("type")) formData.delete("type");
});

listen({ onNews: () => refresh("[data-live]"), says: stale });
