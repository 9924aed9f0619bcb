// The slim bar with name, status and Cancel, shown while the page's head is out of sight; below the frame's banner
// where there is one.

const head = document.getElementById("monitor-head");
const bar = document.getElementById("monitor-bar");
const banner = document.getElementById("connection");

/** Lets the bar come and go. It lies over the page, so nothing moves when it does. */
export function enliven() {
  new IntersectionObserver(([entry]) => {
    const isGone = !entry.isIntersecting && entry.boundingClientRect.bottom <= 0;
    if (!isGone && bar.contains(document.activeElement)) head.querySelector("[data-cancel-open]").focus();
    bar.hidden = !isGone;
  }).observe(head);
  new ResizeObserver(() => {
    bar.style.top = `${banner.offsetHeight}px`;
  }).observe(banner);
}
