// Copy buttons: <button data-copy="text" aria-label="Copy …">. The clipboard needs https or localhost.

import { toast } from "./toast.js";

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast("Copied.", "good");
  } catch {
    toast("The browser did not allow copying here. Select the text instead.", "bad");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
