// Tabs after the ARIA pattern: arrows, Home and End move; the open tab is in the URL's fragment.
// Markup: .tabs > [role=tablist] > button[role=tab][aria-controls="panel-NAME"], then [role=tabpanel] each.
// The fragment is #NAME: were it the panel's id, the browser would scroll away from the page's head.
// A tab answers to further fragments that it names in data-also="ONE TWO"; where the panel has an element
// with the id NAME-ONE, that one is scrolled into sight.

/** Brings one .tabs element to life. Dispatches "tab-open" on the panel that opens. */
export function enliven(root) {
  const tabs = [...root.querySelectorAll(':scope > [role="tablist"] > [role="tab"]')];
  const nameOf = (tab) => tab.getAttribute("aria-controls").replace(/^panel-/, "");
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function open(tab, { focus = false } = {}) {
    const isLeft = tabs.some((each) => each !== tab && panelOf(each).contains(document.activeElement));
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      panelOf(each).hidden = !chosen;
    }
    bringIntoSight(tab);
    if (focus || isLeft) tab.focus(); // what is hidden cannot keep the focus
    panelOf(tab).dispatchEvent(new Event("tab-open"));
  }

  /** Along the row of tabs alone: the page stays where it is. */
  function bringIntoSight(tab) {
    const list = tab.parentElement;
    const [is, seen] = [tab.getBoundingClientRect(), list.getBoundingClientRect()];
    list.scrollLeft += Math.max(0, is.right - seen.right) - Math.max(0, seen.left - is.left);
  }

  /** What is chosen by a click is a step that "back" undoes; on the way along the tabs by arrows none is. */
  function remember(tab, { asStep }) {
    const fragment = `#${nameOf(tab)}`;
    if (location.hash === fragment) return;
    if (asStep) history.pushState(null, "", fragment);
    else history.replaceState(null, "", fragment);
  }

  root.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (!tabs.includes(tab)) return;
    remember(tab, { asStep: true });
    open(tab);
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
    remember(next, { asStep: false });
    open(next, { focus: true });
  });

  /** The tab that the address names, or the first for an address without any; nothing where it means another thing. */
  function followAddress() {
    const wanted = location.hash.slice(1);
    const tab = wanted
      ? tabs.find((each) => nameOf(each) === wanted || each.dataset.also?.split(" ").includes(wanted))
      : tabs[0];
    if (!tab) return false;
    open(tab);
    if (nameOf(tab) !== wanted) document.getElementById(`${nameOf(tab)}-${wanted}`)?.scrollIntoView();
    return true;
  }

  // On paper all panels are seen: what is drawn has to get its room first.
  addEventListener("beforeprint", () => tabs.forEach((tab) => (panelOf(tab).hidden = false)));
  addEventListener("afterprint", () =>
    tabs.forEach((tab) => (panelOf(tab).hidden = tab.getAttribute("aria-selected") === "false")),
  );

  addEventListener("hashchange", followAddress);
  addEventListener("popstate", followAddress);
  if (!followAddress()) open(tabs[0]);
}
