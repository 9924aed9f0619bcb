// Keys: / searches, ? explains, Esc clears a search, and [data-keys] are pressed by theirs; never while somebody types.
//
// The help lists what a page offers: its [data-keys] with their names, and the lines of <template data-shortcuts="…">.
// Single keys can be switched off there, for who speaks to the computer or presses keys unawares.

const SEQUENCE_MS = 1200;
const SWITCH = "shortcuts";
const TYPING =
  'textarea, select, [contenteditable=""], [contenteditable="true"], [role="textbox"], ' +
  "input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit], [type=reset], [type=file])";
const SEARCH = '[data-search], input[type="search"]';

const help = document.getElementById("shortcuts");
const list = help?.querySelector(".shortcuts");
const enabled = help?.querySelector("[data-shortcuts-switch]");

let typed = "";
let timer = null;

if (help) {
  enabled.checked = localStorage.getItem(SWITCH) !== "off";
  enabled.addEventListener("change", () => localStorage.setItem(SWITCH, enabled.checked ? "on" : "off"));
  document.addEventListener("keydown", pressed);
  if (location.hash === "#search") search();
}

// <button data-opens="id"> opens that dialog; the browser gives the focus back when it closes.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens));
});

function pressed(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape" && event.target.matches(SEARCH)) {
    clear(event);
    return;
  }
  if (!enabled.checked || event.target.closest?.(TYPING) || document.querySelector("dialog:modal")) return;
  if (event.key === "/") search();
  else if (event.key === "?") open(help);
  else if (!follow(event.key)) return;
  event.preventDefault();
}

/** Whether the key, after those before it, belongs to something on the page. */
function follow(key) {
  clearTimeout(timer);
  const usable = [...document.querySelectorAll("[data-keys]")].filter((one) => !one.disabled && !one.closest("[hidden]"));
  for (const sequence of [`${typed} ${key}`.trim(), key]) {
    const meant = usable.find((one) => one.dataset.keys === sequence);
    const begun = usable.some((one) => one.dataset.keys.startsWith(`${sequence} `));
    typed = begun && !meant ? sequence : "";
    timer = setTimeout(() => (typed = ""), SEQUENCE_MS);
    meant?.click();
    if (meant || begun) return true;
  }
  return false;
}

/** To the page's search field, or to that of the jobs. */
function search() {
  const field = [...document.querySelectorAll(SEARCH)].find((one) => one.checkVisibility());
  if (field) {
    field.focus();
    field.select();
  } else {
    location.assign(help.querySelector("[data-search-home]").href);
  }
}

function clear(event) {
  const field = event.target;
  if (!field.value) {
    field.blur();
    return;
  }
  event.preventDefault();
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function open(dialog) {
  if (dialog === help) explain();
  if (!dialog.open) dialog.showModal();
}

/** Writes the page's own keys into the help, anew each time: pages change. */
function explain() {
  for (const section of list.querySelectorAll("[data-of-page]")) section.remove();
  const own = [...document.querySelectorAll("[data-keys]")].filter((one) => !help.contains(one) && !one.closest("[hidden]"));
  if (own.length) list.append(section("On this page", ...own.map(line)));
  for (const template of document.querySelectorAll("template[data-shortcuts]")) {
    list.append(section(template.dataset.shortcuts, template.content.cloneNode(true)));
  }
}

function section(title, ...lines) {
  const [box, heading, terms] = ["section", "h3", "dl"].map((tag) => document.createElement(tag));
  box.dataset.ofPage = "";
  heading.textContent = title;
  terms.append(...lines);
  box.append(heading, terms);
  return box;
}

function line(element) {
  const [row, term, meaning] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
  for (const key of element.dataset.keys.split(" ")) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap, " ");
  }
  meaning.textContent = element.getAttribute("aria-label") ?? element.textContent.trim();
  row.append(term, meaning);
  return row;
}
