// While the service cannot be reached, what acts (`data-acts`) does not, says why, and comes back with it.
import { said } from "./language.js";

const ACTING = "[data-acts]";
const OURS = ["aria-disabled", "title"];
/** What the attributes were before, by element. */
const before = new WeakMap();

/** After each rendering: all that acts is disabled while `offline`, and as it was drawn otherwise. */
export function drawnActing(root, offline) {
  for (const each of root.querySelectorAll(ACTING)) {
    if (offline) disable(each);
    else enable(each);
  }
}

function disable(element) {
  if (!before.has(element)) before.set(element, OURS.map((name) => element.getAttribute(name)));
  // It keeps the focus, so that the keyboard is not lost, and can say why.
  element.setAttribute("aria-disabled", "true");
  element.setAttribute("title", said.shell.unreachable);
}

function enable(element) {
  const kept = before.get(element);
  if (!kept) return;
  before.delete(element);
  OURS.forEach((name, place) => (kept[place] === null ? element.removeAttribute(name) : element.setAttribute(name, kept[place])));
}

/** Presses of what acts come to nothing while `app.offline`; also those that a key makes. */
export function watchActing(app) {
  document.addEventListener("click", (event) => {
    if (!app.offline || !event.target.closest?.(ACTING)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    app.announce(said.shell.unreachable);
  }, { capture: true });
}
