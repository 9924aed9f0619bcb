// Colours of tokens.css for canvases, which do not know custom properties.

/** A token as a colour that a canvas understands, at `share` percent of its strength. */
export function color(token, share = 100) {
  const probe = document.createElement("span");
  probe.style.color = `color-mix(in srgb, var(${token}) ${share}%, transparent)`;
  document.body.append(probe);
  const { color: resolved } = getComputedStyle(probe);
  probe.remove();
  return resolved;
}
