// The import form: what lies in training-files and may be imported, page by page, loaded when its tab opens.

import { call } from "../api.js";
import { bytes, moment } from "../format.js";
import { clearErrors, showError, showFieldError } from "../fields.js";

const NOTHING = "There is no file yet below the folders above. Ask the team that fills training-files.";

/** Brings the form to life; `onImported(dataset)` is called when a dataset was made. */
export function enlivenImport(onImported) {
  const form = document.getElementById("import-form");
  const list = document.getElementById("importable");
  const text = document.getElementById("importable-text");
  const more = document.getElementById("importable-more");
  const submit = form.querySelector('[type="submit"]');
  const choice = document.getElementById("importable-choice");
  let after = "";

  async function load() {
    text.textContent = "Loading…";
    try {
      const page = await call(`/api/datasets/import?after=${encodeURIComponent(after)}`);
      list.append(...page.objects.map(line));
      after = page.next_after ?? "";
      more.hidden = !after;
      text.textContent = list.childElementCount ? "" : NOTHING;
    } catch (error) {
      text.textContent = error.message;
      more.hidden = false; // to try again
    }
  }

  function line(object) {
    const label = choice.content.firstElementChild.cloneNode(true);
    label.querySelector("input").value = object.path;
    label.querySelector(".choice-title").textContent = object.path;
    label.querySelector(".help").textContent = `${bytes(object.size)} · ${moment(object.last_modified)}`;
    return label;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form, "import");
    const path = new FormData(form).get("path");
    if (!path) return showFieldError(form, "import", "path", "Choose a file.");
    const name = form.elements.namedItem("name").value.trim();
    submit.disabled = true;
    try {
      const { dataset } = await call("/api/datasets/import", { method: "POST", body: { path, ...(name && { name }) } });
      form.reset();
      onImported(dataset);
    } catch (error) {
      showError(form, "import", error);
    }
    submit.disabled = false;
  });

  submit.disabled = false;
  more.addEventListener("click", load);
  document.getElementById("import").addEventListener("tab-open", load, { once: true });
  if (!document.getElementById("import").hidden) load();
}
