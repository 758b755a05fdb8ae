// What the editor hears of the page: its width, Ctrl S, and that it is left.

/** Below it the source can be read only: as page.css's narrowest layout. */
const NARROW = "(max-width: 46rem)";

/** Tells the editor; returns what was heard of the width, and a function that ends it. */
export function listen(editor) {
  const narrow = window.matchMedia(NARROW);
  const onKey = (event) => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented) return;
    event.preventDefault();
    if (editor.state === "ready") editor.save();
  };
  narrow.addEventListener("change", editor.fitWidth);
  window.addEventListener("pagehide", editor.keep);
  document.addEventListener("keydown", onKey);
  const stop = () => {
    narrow.removeEventListener("change", editor.fitWidth);
    window.removeEventListener("pagehide", editor.keep);
    document.removeEventListener("keydown", onKey);
  };
  return { narrow, stop };
}
