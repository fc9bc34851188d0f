// Before the first paint: the colours that were chosen last time, or the system's.
(() => {
  const chosen = localStorage.getItem("nomaflow.colours");
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const scheme = chosen === "light" || chosen === "dark" ? chosen : isDark ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
