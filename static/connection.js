// Says on every page, once: the browser is offline, the server does not answer, or the log-in is over; and when there
// is a new one, made in another tab, that what stands here was written for the one before.

import { isOurs, loginUrl } from "./api.js";
import { toast } from "./toast.js";

const ASK_EVERY_MS = 5000;
const PATIENCE_MS = 5000;
const TEXTS = {
  offline: "You are offline. What you see may be old; it is brought up to date when the connection is back.",
  away: "The server does not answer. What you see may be old; asking again every few seconds.",
  out: "You are logged out. Nothing here is kept up to date.",
  again: "You are logged in again. Reload the page before you change anything here.",
};

const banner = document.querySelector("#connection > p");
const [login, reload] = banner.querySelectorAll("a");
const retry = banner.querySelector("button");

let state = "";
let asking = false;

document.addEventListener("api-answer", ({ detail: { status } }) => {
  if (status === 401) show("out");
  else if (status === 0) find();
  else if (state === "out") show("again");
  else if (state !== "again") show("");
});
addEventListener("offline", () => show("offline"));
addEventListener("online", find);
retry.addEventListener("click", find);
if (!navigator.onLine) show("offline");

function show(next) {
  const wasAway = state === "offline" || state === "away";
  if (state === next) return;
  state = next;
  banner.hidden = !next;
  banner.querySelector("span").textContent = TEXTS[next] ?? "";
  login.hidden = next !== "out";
  login.href = loginUrl();
  reload.hidden = next !== "again";
  reload.href = location.pathname + location.search; // with the same fragment it would only be scrolled to
  retry.hidden = next !== "away";
  if (!next && wasAway) toast("The connection is back.", "good");
}

/** Asks the server for a sign of life until there is one: a single lost request is no outage. */
async function find() {
  if (asking || state === "out" || state === "again") return;
  asking = true;
  try {
    const { ok, headers } = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!ok || !isOurs(headers)) throw new Error("Somebody else's answer");
    show("");
  } catch {
    show(navigator.onLine ? "away" : "offline");
    setTimeout(find, ASK_EVERY_MS);
  }
  asking = false;
}
