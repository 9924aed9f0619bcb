// <span data-countdown="30">30</span>: how many seconds are left to wait, down to none.

for (const place of document.querySelectorAll("[data-countdown]")) {
  const until = Date.now() + 1000 * Number(place.dataset.countdown);
  const timer = setInterval(() => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    place.textContent = String(left);
    if (left === 0) clearInterval(timer);
  }, 1000);
}
