// A focused chart by keyboard: every value can be reached, and heard, without a mouse.

export const HINT = "Left and right arrow keys read the values, plus and minus zoom, up and down go to the next chart.";
const LEAP = 10;
const ZOOM = 2;

/** Brings the keys of a chart to life. @param {HTMLElement} frame what is focused */
export function enliven(frame, chart, group) {
  const moves = {
    ArrowLeft: (event) => step(chart, group, event.shiftKey ? -LEAP : -1),
    ArrowRight: (event) => step(chart, group, event.shiftKey ? LEAP : 1),
    Home: () => step(chart, group, -Infinity),
    End: () => step(chart, group, Infinity),
    PageUp: () => toMark(chart, group, -1),
    PageDown: () => toMark(chart, group, 1),
    ArrowUp: () => neighbour(chart, group, -1),
    ArrowDown: () => neighbour(chart, group, 1),
    "+": () => zoom(group, 1 / ZOOM),
    "=": () => zoom(group, 1 / ZOOM),
    "-": () => zoom(group, ZOOM),
    0: () => group.zoom(null),
    Enter: () => group.crosshair.pin(group.crosshair.isPinned ? null : group.crosshair.at),
    Escape: () => leave(group),
  };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moves[event.key];
    if (!move || move(event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
  frame.addEventListener("blur", () => group.crosshair.isPinned || group.crosshair.point(null));
}

/** To the next place in view at which the chart has a value; the view follows where it is zoomed. */
function step(chart, group, by) {
  const places = placesOf(chart);
  if (!places.length) return;
  const { min, max } = group.view;
  const inView = places.filter((place) => place >= min && place <= max);
  let next;
  if (!Number.isFinite(by)) next = by < 0 ? inView[0] : inView.at(-1);
  else if (group.crosshair.at === null) next = inView.at(-1);
  else {
    const here = places.findIndex((place) => place >= group.crosshair.at);
    next = places[Math.min(places.length - 1, Math.max(0, (here < 0 ? places.length : here) + by))];
  }
  if (next === undefined) return;
  goTo(chart, group, next);
}

function goTo(chart, group, place) {
  const { min, max } = group.view;
  if (place < min || place > max) {
    const shift = place < min ? place - min : place - max;
    group.zoom({ min: min + shift, max: max + shift });
  }
  if (group.crosshair.isPinned) group.crosshair.pin(place);
  group.crosshair.point(place, { chart });
}

/** All places of a chart's values, rising, each once. */
function placesOf({ drawn }) {
  const all = drawn.flatMap(({ placed: { places, raw } }) => places.filter((_, index) => Number.isFinite(raw[index])));
  return [...new Set(all)].sort((one, other) => one - other);
}

function toMark(chart, group, by) {
  const { min, max } = group.domain;
  const places = chart.placedMarks.map(({ place }) => place).filter((place) => place >= min && place <= max);
  const next = by > 0 ? places.find((place) => place > (group.crosshair.at ?? -Infinity)) : places.findLast((place) => place < (group.crosshair.at ?? Infinity));
  if (next === undefined) return group.say(by > 0 ? "No later mark" : "No earlier mark");
  goTo(chart, group, next);
}

function neighbour(chart, group, by) {
  const shown = group.charts.filter(({ plot, box }) => plot && box.offsetParent);
  shown[shown.indexOf(chart) + by]?.plot.root.parentElement.focus();
}

/** Around the crosshair, or the middle. */
function zoom(group, factor) {
  const { min, max } = group.view;
  const centre = group.crosshair.at ?? (min + max) / 2;
  group.zoom({ min: centre - (centre - min) * factor, max: centre + (max - centre) * factor });
}

/** What Escape ends: the pin, else the zoom, else the crosshair; else it is somebody else's. */
function leave(group) {
  if (group.crosshair.isPinned) return group.crosshair.pin(null);
  if (group.settings.now.zoom) return group.zoom(null);
  if (group.crosshair.at === null) return false;
  group.crosshair.point(null);
}
