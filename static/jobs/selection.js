// Ticked jobs, to be compared: they stay ticked through filters and pages, and a bar says how many there are.

const LEAST = 2;
const MOST = 8;
const form = document.getElementById("compare-form");
const text = form?.querySelector("[data-compare-text]");
const button = form?.querySelector('[type="submit"]');
const chosen = new Set();

/** Brings the ticks and the bar to life; `say(text)` tells a screen reader. */
export function enliven({ say }) {
  document.addEventListener("change", ({ target }) => {
    if (target.name !== "jobs" || target.form !== form) return;
    if (target.checked) chosen.add(target.value);
    else chosen.delete(target.value);
    say(show());
  });
  form.addEventListener("reset", () => {
    chosen.clear();
    say(show());
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (chosen.size >= LEAST && chosen.size <= MOST) location.assign(`${form.action}?jobs=${[...chosen].join(",")}`);
  });
  for (const tick of document.querySelectorAll('[name="jobs"]:checked')) chosen.add(tick.value);
  show();
}

/** Ticks again what was ticked before the rows were made anew. */
export function restore() {
  for (const tick of document.querySelectorAll('[name="jobs"]')) tick.checked = chosen.has(tick.value);
}

function show() {
  const isRight = chosen.size >= LEAST && chosen.size <= MOST;
  form.classList.toggle("is-used", chosen.size > 0);
  button.disabled = !isRight;
  button.textContent = isRight ? `Compare ${chosen.size} jobs` : "Compare";
  text.textContent = words();
  return text.textContent;
}

function words() {
  if (chosen.size === 0) return "No job is ticked.";
  if (chosen.size === 1) return "1 job is ticked. Tick another one to compare them.";
  if (chosen.size > MOST) return `${chosen.size} jobs are ticked. At most ${MOST} can be compared.`;
  return `${chosen.size} jobs are ticked.`;
}
