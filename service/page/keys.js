// Keys that work in every view: Ctrl K, /, ?, G and a view's letter, Z.
import { placeOf } from "./navigation.js";
import { preference } from "./preferences.js";
import { VIEWS } from "./views.js";

/** After G, until the view's letter. */
const SEQUENCE_MS = 1_500;

/** Whether a key is typed into something, and means a letter there. */
export const isTyping = (event) =>
  // The editor of templates is in a shadow tree: the event's own target is its host.
  Boolean((event.composedPath?.()[0] ?? event.target)?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]"));

/** Whether a key of one letter may act: they can be switched off in Settings (WCAG 2.1.4). */
export const mayAct = (event) =>
  preference("letters") && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing && !event.defaultPrevented && !isTyping(event);

export class Keys {
  constructor({ app, undoLine, now = () => performance.now() }) {
    this.app = app;
    this.undoLine = undoLine;
    this.now = now;
    this.goSince = -Infinity;
  }

  onKey = (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      if (document.querySelector("dialog.signed-out[open]")) return;
      event.preventDefault();
      this.app.openOverlay("palette");
      return;
    }
    if (!mayAct(event) || document.querySelector("dialog[open]")) return;
    if (this.goes(event) || this.acts(event)) event.preventDefault();
  };

  /** The letter of a view, soon after G. */
  goes(event) {
    const since = this.now() - this.goSince;
    this.goSince = -Infinity;
    if (since > SEQUENCE_MS || event.shiftKey) return false;
    const view = Object.keys(VIEWS).find((each) => VIEWS[each].key === event.key.toLowerCase());
    if (!view) return false;
    this.app.visit(placeOf(view));
    return true;
  }

  acts(event) {
    const { key } = event;
    if (key === "/") return focusSearch();
    if (key === "?") this.app.openOverlay("help");
    // A keyboard may have / and ? with Shift; a letter with it is another key.
    else if (event.shiftKey) return false;
    else if (key.toLowerCase() === "g") this.goSince = this.now();
    else if (key.toLowerCase() === "z" && this.undoLine.can) this.undoLine.undo();
    else return false;
    return true;
  }
}

/** Focuses the search of the view. */
function focusSearch() {
  const search = document.querySelector("#main input[type=search]");
  search?.focus();
  search?.select();
  return Boolean(search);
}

export function watchKeys(given) {
  document.addEventListener("keydown", new Keys(given).onKey);
}
