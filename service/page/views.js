// The views, by the first part of their web address, in the order of the bar. Each is loaded when it is opened.
import { withWords } from "./language.js";

/**
 * `group` in the bar, `key` after G, `load` its module: `open(place, app)` returns the view, or a promise of it. Its style sheet is
 * `view.css` beside the module.
 *
 * A view has `title`, `shows(place)`, `arrive(place, { scroll })`, `leave()`, `resume()` (session or network are back),
 * `view()` (its template), `drawn(root)` (after each rendering), and, if it has any, `actions()` for the palette:
 * `[{ name, keys, run }]`.
 */
export const VIEWS = {
  worklist: { group: "work", key: "w", load: () => withWords(import("./worklist/view.js"), "worklist") },
  messages: { group: "work", key: "m", load: () => withWords(import("./messages/view.js"), "messages", "message") },
  customers: { group: "work", key: "c", load: () => withWords(import("./customers/view.js")) },
  addresses: { group: "work", key: "a", load: () => withWords(import("./addresses/view.js"), "addresses") },
  campaigns: { group: "sending", key: "p", load: () => withWords(import("./campaigns/view.js")) },
  lists: { group: "sending", key: "l", load: () => withWords(import("./lists/view.js"), "lists") },
  templates: { group: "sending", key: "t", load: () => withWords(import("./templates/view.js"), "templates") },
  statistics: { group: "running", key: "s", load: () => withWords(import("./statistics/view.js"), "statistics", "gateway", "plot") },
  gateway: { group: "running", key: "g", load: () => withWords(import("./gateway/view.js"), "gateway", "plot") },
  settings: { group: "running", key: ",", load: () => withWords(import("./settings/view.js"), "settings") },
};

/** Loads a view's module and its style sheet. Throws as `withWords` does. */
export async function loadView(name) {
  const [module] = await Promise.all([VIEWS[name].load(), withWords(withStyles(name))]);
  return module;
}

/** Links the view's style sheet, once; the page of its own address has it from the start. */
function withStyles(name) {
  const href = new URL(`./${name}/view.css`, import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return undefined;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve, reject) => {
    Object.assign(link, { onload: resolve, onerror: () => reject(new Error(`The style sheet of ${name} cannot be had.`)) });
    document.head.append(link);
  });
}
