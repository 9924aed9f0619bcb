// The banner that says when jobs do not move, kept true while a page stays open.

import { call } from "./api.js";

const EVERY_MS = 60000;

const banner = document.getElementById("processing");
if (banner) setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);

async function look() {
  if (!banner || document.hidden) return;
  try {
    const { ok, message } = await call("/api/processing");
    banner.querySelector("[data-processing]").textContent = message;
    banner.hidden = ok;
  } catch {
    // A server that does not answer is told by the page that needs its data.
  }
}
