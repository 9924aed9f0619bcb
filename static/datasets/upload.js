// The upload form: announce the file, send it to storage, say that it is complete.
// What fails can be tried again with the same dataset; what is cancelled is taken back.

import { call } from "../api.js";
import { bytes } from "../format.js";
import { clearErrors, showError, showFieldError } from "../fields.js";
import { transfer } from "./transfer.js";

const CONTROLS = { file_name: "file", file_size: "file" };

/** Brings the form to life; `onComplete(dataset)` is called when a file has arrived. */
export function enlivenUpload(onComplete) {
  const form = document.getElementById("upload-form");
  const submit = form.querySelector('[type="submit"]');
  const cancel = document.getElementById("upload-cancel");
  const box = document.getElementById("transfer");
  const bar = box.querySelector("progress");
  const text = document.getElementById("transfer-text");
  const given = form.dataset.dataset ? { id: form.dataset.dataset, size: Number(form.dataset.size) } : null;
  let announced = given; // the dataset that waits for the file
  let abort = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (abort) return;
    clearErrors(form, "upload");
    const file = form.elements.file.files[0];
    if (!file) return showFieldError(form, "upload", "file", "Choose a file.");
    if (given && file.size !== given.size) {
      return showFieldError(form, "upload", "file", `This file has ${bytes(file.size)}, another size than announced.`);
    }
    abort = new AbortController();
    busy(true);
    try {
      await send(file, abort.signal);
    } catch (error) {
      if (error.name !== "AbortError") showError(form, "upload", error, CONTROLS);
      else if (!given) await takeBack();
    }
    abort = null;
    busy(false);
  });

  cancel.addEventListener("click", () => abort?.abort());
  form.elements.file.addEventListener("change", () => {
    clearErrors(form, "upload");
    if (!given) takeBack();
  });
  addEventListener("beforeunload", (event) => abort && event.preventDefault());
  submit.disabled = false;

  async function send(file, signal) {
    const ticket = await ticketFor(file);
    if (ticket) await transfer(file, ticket, { signal, onProgress: (sent) => show(sent, file.size) });
    text.textContent = "Checking that all of it arrived…";
    const { dataset } = await call(`/api/datasets/${announced.id}/complete`, { method: "POST" });
    announced = null;
    form.reset();
    onComplete(dataset);
  }

  /** Null where an earlier try arrived and only its answer was lost. */
  async function ticketFor(file) {
    if (!announced) return announce(file);
    try {
      return (await call(`/api/datasets/${announced.id}/ticket`, { method: "POST" })).upload;
    } catch (error) {
      if (error.code === "upload_finished") return null;
      throw error;
    }
  }

  async function announce(file) {
    const { dataset, upload } = await call("/api/datasets", {
      method: "POST",
      body: {
        name: form.elements.namedItem("name").value.trim() || file.name.replace(/\.[^.]+$/, ""),
        description: form.elements.description.value.trim(),
        file_name: file.name,
        file_size: file.size,
      },
    });
    announced = dataset;
    return upload;
  }

  /** Forgets a dataset whose file will not come; should that fail, the server does it after a day. */
  async function takeBack() {
    const { id } = announced ?? {};
    announced = null;
    if (id) await call(`/api/datasets/${id}`, { method: "DELETE" }).catch(() => {});
  }

  function show(sent, size) {
    bar.value = sent / size;
    text.textContent = `${bytes(sent)} of ${bytes(size)}`;
  }

  function busy(isBusy) {
    box.hidden = cancel.hidden = !isBusy;
    submit.disabled = form.elements.file.disabled = isBusy;
    bar.value = 0;
    text.textContent = "";
  }
}
