// Colours of tokens.css for canvases, which do not know custom properties, and word of another theme.

const resolved = new Map();

/** A token as a colour that a canvas understands, at `share` percent of its strength. */
export function color(token, share = 100) {
  const key = `${token} ${share}`;
  if (!resolved.has(key)) {
    const probe = document.createElement("span");
    probe.style.forcedColorAdjust = "none"; // what tells curves apart stays
    probe.style.color = `color-mix(in srgb, var(${token}) ${share}%, transparent)`;
    document.body.append(probe);
    resolved.set(key, getComputedStyle(probe).color);
    probe.remove();
  }
  return resolved.get(key);
}

/** Calls `redraw()` whenever the colours are others: another theme (theme.js), or paper. */
export function onThemeChange(redraw) {
  document.addEventListener("theme-change", () => {
    resolved.clear();
    redraw();
  });
}
