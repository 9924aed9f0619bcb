// The adapter's files. Their addresses are signed for a short time, so each is asked for at the click.

import { call } from "../api.js";
import { toast } from "../toast.js";

/** Brings the buttons with data-download to life. */
export function enliven(url) {
  document.addEventListener("click", (event) => {
    const path = event.target.closest("[data-download]")?.dataset.download;
    if (path !== undefined) download(url, path);
  });
}

async function download(url, path) {
  try {
    const { artifact } = await call(`${url}/artifact`);
    const address = artifact.files.find((file) => file.path === path)?.url;
    if (!address) throw new Error("the file is not in storage yet.");
    location.assign(address);
  } catch (error) {
    toast(`No download: ${error.message}`, "bad");
  }
}
