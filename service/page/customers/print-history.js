// Prints all rows of a list, not only those near the screen: the style sheet leaves everything else out.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { exactMoment } from "../moments.js";
import { session } from "../session.js";

/** Rows that are read to be printed: some hundred pages. */
const MOST_ROWS = 5_000;

export class PrintHistory {
  /** `list()` is the PagedList that is shown, or null. Until `stop()`, the browser's own Print prints what has been read. */
  constructor(list, app) {
    this.list = list;
    this.app = app;
    this.fault = null;
    this.at = null;
    this.onBefore = () => this.whole(true);
    this.onAfter = () => this.whole(false);
    window.addEventListener("beforeprint", this.onBefore);
    window.addEventListener("afterprint", this.onAfter);
  }

  stop() {
    window.removeEventListener("beforeprint", this.onBefore);
    window.removeEventListener("afterprint", this.onAfter);
  }

  /** All rows are drawn, or again only those near the screen. Drawn before the browser prints: rendering is a microtask. */
  whole(on) {
    const list = this.list();
    if (on) this.at = new Date().toISOString();
    if (list) list.whole = on;
    this.app.changed();
  }

  /** Reads the rest of the list, then prints. */
  print = async () => {
    this.fault = null;
    const list = this.list();
    while (list?.hasOlder && list.count < MOST_ROWS && !list.olderError) {
      if (list.readingOlder) await new Promise((resolve) => requestAnimationFrame(resolve));
      else await list.older();
      if (list !== this.list()) return;
    }
    if (list?.olderError) this.fault = list.olderError.message;
    this.whole(true);
    await Promise.resolve();
    if (!this.fault) window.print();
    this.app.changed();
  };

  /** What stands on paper alone: when and by whom it was printed, and whether rows are missing. */
  view() {
    return html`<p class="printed">${said.customers.parts.printed} ${exactMoment(this.at ?? new Date().toISOString())} ${said.customers.parts.printedBy}
      <bdi>${session()?.name}</bdi>${this.list()?.hasOlder ? html`. ${said.customers.parts.printedPart(this.list().count)}` : ""}</p>
      <p class="fault" role="alert">${this.fault ?? ""}</p>`;
  }
}
