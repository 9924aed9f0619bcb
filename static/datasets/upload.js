// The upload form: files are chosen or dropped; each becomes an upload of its own below the form.

import { call } from "../api.js";
import { clearErrors, showError, showFieldError } from "../fields.js";
import { bytes } from "../format.js";
import { enlivenDrop } from "./drop.js";
import { complaint } from "./suitable.js";
import { queue } from "./transfers.js";
import { assertSame, Upload } from "./uploading.js";

const NAMED = 6; // of the chosen files
const LONG = 60; // characters of a name

/** Brings the form to life; `onComplete(dataset)` is called when a file has arrived. */
export function enlivenUpload(onComplete) {
  const form = document.getElementById("upload-form");
  const input = form.elements.file;
  const chosen = document.getElementById("upload-chosen");
  const submit = form.querySelector('[type="submit"]');
  const given = form.dataset.dataset; // the id of a dataset that waits for its file
  const transfers = queue(document.getElementById("transfers"), { onComplete });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form, "upload");
    const files = [...input.files];
    if (!files.length) return showFieldError(form, "upload", "file", "Choose a file.");
    const known = files.find(transfers.has);
    if (known) return showFieldError(form, "upload", "file", `${known.name} is on its way already.`);
    const complaints = (await Promise.all(files.map(complaint))).filter(Boolean);
    if (complaints.length) return showFieldError(form, "upload", "file", complaints.join(" "));
    submit.disabled = true;
    try {
      await begin(files);
    } catch (error) {
      showError(form, "upload", error);
    }
    submit.disabled = false;
  });

  async function begin(files) {
    let values = { name: form.elements.namedItem("name")?.value.trim(), description: form.elements.description?.value };
    if (files.length > 1) delete values.name; // one name for several would tell them apart badly
    if (given) {
      const { dataset } = await call(`/api/datasets/${given}`);
      await assertSame(files[0], dataset);
      values = { dataset };
    }
    for (const file of files) transfers.add(new Upload(file, values, transfers.changed));
    form.reset();
    tell();
  }

  function tell() {
    clearErrors(form, "upload");
    const files = [...input.files];
    const named = files.slice(0, files.length > NAMED ? NAMED - 1 : NAMED);
    const words = named.map((file) => `${short(file.name)} (${bytes(file.size)})`);
    if (named.length < files.length) words.push(`and ${files.length - named.length} more`);
    chosen.textContent = words.join(", ");
    const name = form.elements.namedItem("name");
    if (name) name.closest(".field").hidden = files.length > 1;
  }

  async function tellStored() {
    const { parts, part_count } = await call(`/api/datasets/${given}/parts`);
    if (!parts.length) return;
    const stored = parts.reduce((total, part) => total + part.size, 0);
    document.getElementById("upload-stored").textContent =
      `${bytes(stored)} of it are stored already (${parts.length} of ${part_count} parts): only the rest is sent.`;
  }

  enlivenDrop(input);
  input.addEventListener("change", tell);
  submit.disabled = false;
  tell();
  if (given) tellStored().catch(() => {}); // said for comfort alone
}

/** The name without its middle, where it is long. */
function short(name) {
  const signs = [...name];
  return signs.length > LONG ? `${signs.slice(0, LONG - 20).join("")}…${signs.slice(-19).join("")}` : name;
}
