// The filters above the list: each takes effect as it changes, and the address says it.

const TYPING_MS = 250;
const form = document.getElementById("job-filters");

/**
 * Brings the form to life, if the page has one. `onChange(address, {replace})` is called with what it says;
 * what is typed in one go is one step of the browser's history.
 */
export function enliven({ onChange }) {
  if (!form) return false;
  form.querySelector("[data-without-scripts]").hidden = true;
  let timer = null;
  let isTyping = false;
  const apply = () => {
    clearTimeout(timer);
    timer = null;
    onChange(address(), { replace: isTyping });
    isTyping = true;
  };
  form.addEventListener("input", ({ target }) => {
    clearTimeout(timer);
    timer = setTimeout(apply, target.type === "search" ? TYPING_MS : 0);
    if (target.type !== "search") isTyping = false;
  });
  form.elements.search.addEventListener("blur", () => {
    if (timer) apply();
    isTyping = false;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  return true;
}

/** Makes the form say what an address says. */
export function read(parameters) {
  for (const control of form.elements) {
    if (control.name && control.type !== "hidden") control.value = parameters.get(control.name) ?? "";
  }
}

function address() {
  const parameters = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  return `${location.pathname}?${parameters}`;
}
