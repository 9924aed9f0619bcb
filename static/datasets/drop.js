// A place to drop files on, which is the label of a file input: a click and the keyboard open the chooser.
// A file that misses it would replace the page: what is dropped anywhere on the page counts.

/** @param {HTMLInputElement} input inside of its .drop */
export function enlivenDrop(input) {
  const zone = input.closest(".drop");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // dragenter and dragleave come for every element below the pointer

  function lit(isLit) {
    if (!isLit) depth = 0;
    zone.classList.toggle("drop-lit", isLit);
  }

  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    lit(true);
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) lit(false);
  });
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    lit(false);
    const { files } = event.dataTransfer;
    if (!files.length || input.disabled) return;
    const taken = new DataTransfer();
    for (const file of input.multiple ? files : [files[0]]) taken.items.add(file);
    input.files = taken.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });
}
