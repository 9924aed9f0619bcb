// An icon of icons.svg, for parts that scripts make; templates have components/icon.html.

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name such as "alert" */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}
