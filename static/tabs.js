// Tabs after the ARIA pattern: arrows, Home and End move; the open tab is in the URL's fragment.
// Markup: .tabs > [role=tablist] > button[role=tab][aria-controls="panel-NAME"], then [role=tabpanel] each.
// The fragment is #NAME: were it the panel's id, the browser would scroll away from the page's head.

/** Brings one .tabs element to life. Dispatches "tab-open" on the panel that opens. */
export function enliven(root) {
  const tabs = [...root.querySelectorAll(':scope > [role="tablist"] > [role="tab"]')];
  const fragmentOf = (tab) => `#${tab.getAttribute("aria-controls").replace(/^panel-/, "")}`;

  function open(tab, { focus = false, remember = false } = {}) {
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (focus) tab.focus();
    if (remember) history.replaceState(null, "", fragmentOf(tab));
    document.getElementById(tab.getAttribute("aria-controls")).dispatchEvent(new Event("tab-open"));
  }

  root.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tabs.includes(tab)) open(tab, { remember: true });
  });
  root.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(event.target);
    if (at < 0) return;
    const next = {
      ArrowRight: tabs[(at + 1) % tabs.length],
      ArrowLeft: tabs[(at - 1 + tabs.length) % tabs.length],
      Home: tabs[0],
      End: tabs.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    open(next, { focus: true, remember: true });
  });

  const fromUrl = () => tabs.find((tab) => fragmentOf(tab) === location.hash);
  addEventListener("hashchange", () => fromUrl() && open(fromUrl()));
  open(fromUrl() ?? tabs[0]);
}
