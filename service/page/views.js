// The views, by the first part of their web address, in the order of the bar. Each is loaded when it is opened.
import { said } from "./language.js";

/**
 * `group` in the bar, `key` after G, `load` its module: `open(place, app)` returns the view, or a promise of it. Its style sheet is
 * `view.css` beside the module.
 *
 * A view has `title`, `shows(place)`, `arrive(place, { scroll })`, `leave()`, `resume()` (session or network are back),
 * `view()` (its template), `drawn(root)` (after each rendering), and, if it has any, `actions()` for the palette:
 * `[{ name, keys, run }]`.
 */
export const VIEWS = {
  worklist: { group: "work", key: "w", load: () => import("./worklist/view.js") },
  messages: { group: "work", key: "m", load: () => import("./messages/view.js") },
  customers: { group: "work", key: "c", load: () => import("./customers/view.js") },
  addresses: { group: "work", key: "a", load: () => import("./addresses/view.js") },
  campaigns: { group: "sending", key: "p", load: () => import("./campaigns/view.js") },
  lists: { group: "sending", key: "l", load: () => import("./lists/view.js") },
  templates: { group: "sending", key: "t", load: () => import("./templates/view.js") },
  statistics: { group: "running", key: "s", load: () => import("./statistics/view.js") },
  gateway: { group: "running", key: "g", load: () => import("./gateway/view.js") },
  settings: { group: "running", key: ",", load: () => import("./settings/view.js") },
};

/**
 * Loads a view's module and its style sheet. Throws when they cannot be had: without a network, or from a page that is
 * older than the service, since a release's files are at addresses of its own.
 */
export async function loadView(name) {
  try {
    const [module] = await Promise.all([VIEWS[name].load(), withStyles(name)]);
    return module;
  } catch (cause) {
    throw new Error(said.shell.notLoaded, { cause });
  }
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
