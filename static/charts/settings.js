// What the reader chose: smoothing, x axis, log scale, clipping, zoom. A reload, and a copied address, show the same.
// The address holds what differs from the usual; the smoothing is the browser's too, for all charts.

const STORED = "charts.smoothing";
const USUAL = { smoothing: 0.6, axis: "step", log: false, clip: false, zoom: null };
const MOST_SMOOTHING = 0.99;

/** Dispatches "change" with `detail` {before, now}. */
export class Settings extends EventTarget {
  constructor() {
    super();
    this.now = read();
  }

  set(changes) {
    const before = this.now;
    this.now = { ...before, ...changes };
    write(this.now, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: { before, now: this.now } }));
  }

  /** Brings the controls of components/chart_tools.html to life, and shows them. */
  bind(tools) {
    const { smoothing, axis, log, clip } = tools.elements;
    const show = () => {
      smoothing.value = this.now.smoothing;
      tools.querySelector("output").textContent = this.now.smoothing === 0 ? "off" : this.now.smoothing.toFixed(2);
      axis.value = this.now.axis;
      log.checked = this.now.log;
      clip.checked = this.now.clip;
      tools.querySelector("[data-reset-zoom]").hidden = this.now.zoom === null;
    };
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("input", ({ target }) => {
      if (target === smoothing) this.set({ smoothing: Number(smoothing.value) });
      else if (target.name === "axis") this.set({ axis: axis.value });
      else this.set({ [target.name]: target.checked });
    });
    tools.addEventListener("click", ({ target }) => {
      if (target.closest("[data-reset-zoom]")) this.set({ zoom: null });
    });
    this.addEventListener("change", show);
    show();
    tools.hidden = false;
  }
}

function read() {
  const query = new URLSearchParams(location.search);
  const axis = query.get("x");
  const [min, max] = (query.get("zoom") ?? "").split("_").map(Number);
  return {
    smoothing: smoothingOf(query.get("smoothing") ?? stored()),
    axis: ["epoch", "time"].includes(axis) ? axis : USUAL.axis,
    log: query.get("log") === "1",
    clip: query.get("clip") === "1",
    zoom: Number.isFinite(min) && max > min ? { min, max } : null,
  };
}

function smoothingOf(text) {
  const value = text === null || text === "" ? NaN : Number(text);
  return value >= 0 && value <= MOST_SMOOTHING ? value : USUAL.smoothing;
}

function write(now, changes) {
  const address = new URL(location.href);
  const put = (name, text) => (text === null ? address.searchParams.delete(name) : address.searchParams.set(name, text));
  put("x", now.axis === USUAL.axis ? null : now.axis);
  put("log", now.log ? "1" : null);
  put("clip", now.clip ? "1" : null);
  put("zoom", now.zoom && `${short(now.zoom.min)}_${short(now.zoom.max)}`);
  if (address.searchParams.has("smoothing")) put("smoothing", String(now.smoothing)); // it came in the address
  history.replaceState(history.state, "", address);
  if (changes.smoothing !== undefined) store(now.smoothing);
}

const short = (value) => String(Number(value.toPrecision(10)));

// A browser that keeps nothing for pages throws at the very word localStorage.
function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function store(smoothing) {
  try {
    localStorage.setItem(STORED, String(smoothing));
  } catch {
    // then it is remembered until the page is left
  }
}
