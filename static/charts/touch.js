// A finger that is drawn across a chart zooms as a dragged mouse does; up and down it scrolls the page as ever.

const DRAG_PX = 8;

/** @param {HTMLElement} over what lies over the drawing and hears the mouse */
export function enliven(over) {
  let start = null;
  let isDragging = false;
  const pretend = (type, { clientX, clientY }) => {
    // uPlot overhears moves of no distance while a button is held.
    const at = { clientX, clientY, movementX: 1, bubbles: true, button: 0, view: window };
    over.dispatchEvent(new MouseEvent(type, at));
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    start = event;
    isDragging = false;
  });
  over.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.pointerId) return;
    if (!isDragging && Math.abs(event.clientX - start.clientX) < DRAG_PX) return;
    if (!isDragging) {
      over.setPointerCapture(event.pointerId);
      pretend("mousemove", start);
      pretend("mousedown", start);
    }
    isDragging = true;
    pretend("mousemove", event);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    over.addEventListener(type, (event) => {
      if (isDragging && event.pointerId === start?.pointerId) pretend("mouseup", event);
      start = null;
      isDragging = false;
    });
  }
}
