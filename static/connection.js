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
const [loginLink, reloadLink] = banner.querySelectorAll("a");
const retry = banner.querySelector("button");

// Two facts, each with its own news: neither makes the other forgotten.
let network = ""; // or "offline", "away"
let login = ""; // or "out", "again"
let shown = "";
let lastAskedAt = 0;
let finding = false;
let timer = null;

document.addEventListener("api-answer", ({ detail: { status, askedAt } }) => {
  if (askedAt < lastAskedAt) return; // overtaken by the answer to a later question
  lastAskedAt = askedAt;
  if (status === 0) {
    find();
    return;
  }
  if (status === 401) login = "out";
  else if (login === "out") login = "again";
  reach("");
});
addEventListener("offline", () => reach("offline"));
addEventListener("online", find);
retry.addEventListener("click", find);
if (!navigator.onLine) reach("offline");

function reach(next) {
  const isBack = network && !next;
  network = next;
  show(network || login);
  if (isBack) toast("The connection is back.", "good");
}

function show(state) {
  if (state === shown) return;
  shown = state;
  banner.hidden = !state;
  banner.querySelector("span").textContent = TEXTS[state] ?? "";
  loginLink.hidden = state !== "out";
  loginLink.href = loginUrl();
  reloadLink.hidden = state !== "again";
  reloadLink.href = location.pathname + location.search; // with the same fragment it would only be scrolled to
  retry.hidden = state !== "away";
}

/** Asks the server for a sign of life until there is one: a single lost request is no outage. */
async function find() {
  if (finding) return;
  finding = true;
  clearTimeout(timer);
  try {
    const { ok, headers } = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!ok || !isOurs(headers)) throw new Error("Somebody else's answer");
    reach("");
  } catch {
    reach(navigator.onLine ? "away" : "offline");
    timer = setTimeout(find, ASK_EVERY_MS);
  }
  finding = false;
}
