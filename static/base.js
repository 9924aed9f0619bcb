// What every page does: times on the reader's clock, tabs, copy buttons, theme, the account menu, keys; and whether
// jobs move and the server answers.

import "./bell-news.js";
import "./bell.js";
import "./connection.js";
import "./copy.js";
import "./countdown.js";
import "./offline-ready.js";
import "./processing.js";
import "./shortcuts.js";
import * as tabs from "./tabs.js";
import "./theme.js";
import { localize } from "./times.js";

localize(document);

for (const root of document.querySelectorAll(".tabs")) tabs.enliven(root);

// A menu closes like one: by Escape and by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
