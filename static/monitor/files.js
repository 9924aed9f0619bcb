// What lies in storage: the log's last lines, the whole log, the adapter's files. Addresses are signed for a
// short time, so each is asked for at the click.

import { call } from "../api.js";
import { count } from "../format.js";
import { toast } from "../toast.js";

const panel = document.getElementById("panel-info");
const log = document.getElementById("log");
const whole = document.getElementById("log-whole");
let url = null;
let isBehind = true;
let isFollowed = true; // the reader is at the end and wants to see new lines

/** Brings log and downloads to life; the log is fetched when its tab is open. */
export function enliven(jobUrl) {
  url = jobUrl;
  panel.addEventListener("tab-open", showLog);
  whole.addEventListener("click", () => download(async () => (await call(`${url}/logs`)).download_url));
  document.addEventListener("click", (event) => {
    const path = event.target.closest("[data-download]")?.dataset.download;
    if (path !== undefined) download(() => addressOf(path));
  });
  log.addEventListener("scroll", () => {
    isFollowed = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  });
  showLog();
}

/** To be called when the job has changed. */
export function jobChanged() {
  isBehind = true;
  showLog();
}

async function showLog() {
  if (url === null || panel.hidden || !isBehind) return;
  isBehind = false;
  try {
    const { lines, total_lines: total, download_url: address } = await call(`${url}/logs`);
    const goesToEnd = isFollowed;
    log.textContent = lines.length ? lines.join("\n") : "No lines yet.";
    if (goesToEnd) log.scrollTop = log.scrollHeight;
    document.getElementById("log-count").textContent =
      total > lines.length ? `last ${count(lines.length)} of ${count(total)} lines` : `${count(total)} lines`;
    whole.hidden = !address;
  } catch {
    isBehind = true; // the next change or opening asks again
  }
}

async function addressOf(path) {
  const { artifact } = await call(`${url}/artifact`);
  return artifact.files.find((file) => file.path === path)?.url;
}

async function download(find) {
  try {
    const address = await find();
    if (!address) throw new Error("the file is not in storage yet.");
    location.assign(address);
  } catch (error) {
    toast(`No download: ${error.message}`, "bad");
  }
}
