// A long <select> becomes a field to search in, after the ARIA combobox pattern. The select keeps the value.

const FEW = 8; // as many can be looked through

/**
 * Puts a search in the place of a select with more than a few options; without this script it stays a select.
 * @returns {{show: () => void} | null} `show` writes the select's choice into the field
 */
export function enliven(select) {
  if (select.options.length <= FEW) return null;
  const box = document.createElement("div");
  const field = document.createElement("input");
  const list = document.createElement("ul");
  box.className = "combobox";
  field.id = `${select.id}-search`;
  list.id = `${select.id}-list`;
  const attributes = { type: "text", role: "combobox", autocomplete: "off", "aria-autocomplete": "list" };
  Object.assign(attributes, { "aria-expanded": "false", "aria-controls": list.id, spellcheck: "false" });
  attributes["aria-describedby"] = select.getAttribute("aria-describedby") ?? "";
  for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value);
  field.dataset.search = ""; // the first of a page's is where / goes
  const label = document.querySelector(`label[for="${select.id}"]`);
  label.htmlFor = field.id;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label.textContent.trim());
  list.hidden = true;
  box.append(field, list);
  select.after(box);
  select.hidden = true;

  let at = -1; // the option that Enter takes
  const entries = () => [...list.querySelectorAll("[data-value]")];
  const show = () => {
    field.value = select.selectedOptions[0]?.textContent ?? "";
  };

  function open(wanted = "") {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...select.options].filter((option) => words.every((word) => option.textContent.toLowerCase().includes(word)));
    list.replaceChildren(...(found.length ? found.map(entry) : [nothing()]));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    point(found.findIndex((option) => (words.length ? true : option.selected)));
  }

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function point(index) {
    const all = entries();
    at = all.length ? (index + all.length) % all.length : -1;
    all.forEach((each, place) => each.classList.toggle("is-active", place === at));
    if (at < 0) return;
    field.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  }

  function take(element) {
    select.value = element.dataset.value;
    show();
    close();
    select.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function entry(option, index) {
    const element = document.createElement("li");
    element.id = `${list.id}-${index}`;
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", String(option.selected));
    element.dataset.value = option.value;
    const [name, ...rest] = option.textContent.split(" — ");
    const details = document.createElement("span");
    details.className = "small muted";
    details.textContent = rest.join(" — ");
    element.append(name, " ", details);
    return element;
  }

  function nothing() {
    const element = document.createElement("li");
    element.className = "muted";
    element.setAttribute("role", "option");
    element.setAttribute("aria-disabled", "true");
    element.textContent = "Nothing is called that.";
    return element;
  }

  field.addEventListener("focus", () => field.select());
  field.addEventListener("click", () => list.hidden && open());
  field.addEventListener("input", () => open(field.value));
  field.addEventListener("blur", () => {
    close();
    show();
  });
  field.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    const act = {
      ArrowDown: () => (isOpen ? point(at + 1) : open()),
      ArrowUp: () => (isOpen ? point(at - 1) : open()),
      Enter: () => isOpen && at >= 0 && !event.ctrlKey && take(entries()[at]),
      Escape: () => {
        close();
        show();
      },
    }[event.key];
    if (!act || (event.key === "Enter" && event.ctrlKey)) return;
    event.preventDefault();
    act();
  });
  // Before the field loses the focus to the click.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const element = event.target.closest("[data-value]");
    if (element) take(element);
  });

  show();
  return { show };
}
