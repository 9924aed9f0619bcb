// Light, dark or the system's: chosen in the account menu, kept in a cookie that the server reads (lora_pipeline/theme.py).
//
// <meta name="color-scheme"> says which one holds; tokens.css obeys it. Whenever colours change, the document gets
// "theme-change": drawings on canvases have to be made anew. Paper is always light.

const YEAR_S = 31_536_000;

const meta = document.querySelector('meta[name="color-scheme"]');
const both = "light dark";

for (const box of document.querySelectorAll("[data-theme-switch]")) {
  box.hidden = false;
  box.addEventListener("change", (event) => choose(event.target.value));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);

let chosen = meta.content;
addEventListener("beforeprint", () => {
  chosen = meta.content;
  show("light");
});
addEventListener("afterprint", () => show(chosen));

/** @param {"" | "light" | "dark"} theme "" for the system's */
function choose(theme) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR_S : 0}; samesite=lax${secure}`;
  show(theme || both);
}

function show(content) {
  meta.content = content;
  announce();
}

function announce() {
  document.dispatchEvent(new Event("theme-change"));
}
