// What a browser has and Node has not, as far as the page's modules need it: import this before them.
import "./globals.js";
import { loadLanguage } from "../../../../service/page/language.js";
import { nothing } from "../../../../service/page/vendor/lit-html/lit-html.js";

await loadLanguage("en");

const elements = new Map();
document.getElementById = (id) => elements.get(id) ?? null;

/** An element with an id, which `document.getElementById` finds; `children` are what it contains. */
export function element(id, children = []) {
  const made = Object.assign(new EventTarget(), {
    id,
    focus: () => { document.activeElement = made; },
    contains: (other) => other === made || children.includes(other),
  });
  elements.set(id, made);
  return made;
}

/** Everything as when a page was just loaded. */
export function newPage() {
  elements.clear();
  document.activeElement = document.body;
  document.hidden = false;
  window.scrollY = 0;
}

/** A promise, and the functions that settle it: for an answer that takes its time. */
export function pending() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** Lets everything that waits for nothing but other promises run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The text and attributes of a template, without listeners and without what is not shown. */
export function markup(shown) {
  if (shown === null || shown === undefined || shown === nothing || typeof shown === "function") return "";
  if (Array.isArray(shown)) return shown.map(markup).join("");
  if (shown._$litDirective$) {
    const [items, , template] = shown.values;
    return items.map((item, index) => markup(template(item, index))).join("");
  }
  if (shown.strings) return shown.strings.map((text, place) => text + markup(shown.values[place])).join("");
  return String(shown);
}
