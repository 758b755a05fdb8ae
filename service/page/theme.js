// The chosen theme before the first paint: a script of its own, since modules run after it.
try {
  document.documentElement.dataset.theme = JSON.parse(localStorage.getItem("preferences"))?.theme ?? "system";
} catch {
  // Nothing is kept, or nothing that can be read: the system's theme.
}
