// Jobs to add to a comparison, found as one types.

import { fetchPart } from "../parts.js";

const TYPING_MS = 250;

const form = document.querySelector(".picker-form");
const found = document.getElementById("found");
let timer = null;
let asking = null;

async function find() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const { content } = await fetchPart("picker", `?${new URLSearchParams(new FormData(form))}`, { signal });
    if (!signal.aborted) found.replaceChildren(content);
  } catch {
    if (!signal.aborted) form.submit(); // the server shows what is wrong
  }
}

form.querySelector("[data-without-scripts]").hidden = true;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(find, TYPING_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
