// Swagger UI is dark where <html class="dark-mode">; here it follows the page's theme like everything else. No module:
// it has to run before the page is drawn.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const { content: theme } = document.querySelector('meta[name="color-scheme"]');
  const follow = () => {
    const isDark = theme === "dark" || (theme !== "light" && system.matches);
    document.documentElement.classList.toggle("dark-mode", isDark);
  };
  system.addEventListener("change", follow);
  follow();
})();
