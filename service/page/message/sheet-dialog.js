// The popover of one message over a list: which one is in the address (`info`), newer and older are the list's rows.
// Here is the dialog alone: what it shows (`popover.js`) is no part of the first view of a list.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said, withWords } from "../language.js";
import { failure, skeleton } from "../notices.js";

/** Milliseconds until the popover is loaded, once a row that opens it is drawn, where browsers do not say that they are idle. */
const IDLE_MS = 1_000;
const whenIdle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, IDLE_MS));

/** The popover's module, once it is loaded: for all lists. */
let loaded = null;

/** Loads what the popover shows. Throws when it cannot be had. */
export async function loadPopover() {
  loaded ??= await withWords(import("./popover.js"), "message");
}

/** The message whose popover is open at this place, or null. */
export const infoOf = (place) => place.info ?? place.query?.info ?? null;

/** A place's change that opens another message's popover, or closes it by null. */
function withInfo(place, id) {
  if (place.view === "emails") return { info: id };
  const { info: _, ...query } = place.query ?? {};
  return { query: id ? { ...query, info: id } : query };
}

/**
 * A view holds one: it calls `show(infoOf(place))` in `arrive`, puts `view()` in its template, and calls `drawn(root)` and
 * `resume()` in its own. Rows open it by `open(id)`; their button has `data-info` with the id, to which the focus returns.
 */
export class SheetDialog {
  /**
   * `rows()` gives the ids of the list's messages in order, none where it lists no messages; `more()` reads older rows;
   * `reread(id)` reads a row again after an action; `home()` is the element that gets the focus where no row has the message;
   * `customer()` is whose mail alone may be shown; `select(id)` shows the clicks of a message, where the view can;
   * `load()` loads what the popover shows.
   */
  constructor(app, { rows = () => [], more = () => {}, reread = () => {}, home = () => document.getElementById("main"), customer = () => null, select = null, load = loadPopover } = {}) {
    this.app = app;
    this.rows = rows;
    this.more = more;
    this.home = home;
    this.getCustomer = customer;
    this.reread = reread;
    this.select = select;
    this.loadPopover = load;
    /** The message that is to be shown, or null. */
    this.id = null;
    /** The state of what is shown, once its module is loaded. */
    this.sheet = null;
    /** Why the module could not be loaded. */
    this.error = null;
    this.prefetched = false;
    this.shown = undefined;
    this.opener = null;
  }

  /** Rows from the end at which older ones are read while the popover moves from message to message. */
  static NEAR_THE_END = 5;

  get customer() {
    return this.getCustomer();
  }

  /** Shows this message; null closes the popover. */
  show(id) {
    this.id = id;
    this.sheet ??= loaded && new loaded.InfoSheet(this, this.app);
    if (this.sheet) this.sheet.show(id);
    else if (id) this.load();
  }

  load = async () => {
    this.error = null;
    try {
      await this.loadPopover();
      this.show(this.id);
    } catch (error) {
      this.error = error;
    }
    this.app.changed();
  };

  /** Loads the popover while nothing else is to be done. Without success it is loaded when one is opened. */
  prefetch() {
    this.prefetched = true;
    whenIdle(() => this.loadPopover().catch(() => {}));
  }

  open = (id, { replace = false } = {}) => {
    this.app.go(withInfo(this.app.place, id), { replace, over: true });
    if (id && this.neighbour(id, SheetDialog.NEAR_THE_END) === null) this.more();
  };

  close = () => this.app.goBack(withInfo(this.app.place, null));

  /** The message `step` rows below (above when negative), or null. */
  neighbour = (id, step) => {
    const ids = this.rows();
    const here = ids.indexOf(id);
    return here < 0 ? null : (ids[here + step] ?? null);
  };

  /** Reads the message again, if its popover is open: all of them when `ids` is empty. */
  renew(ids = new Set()) {
    if (this.sheet && this.id && (!ids.size || ids.has(this.id))) this.sheet.read();
  }

  /** The session or the network is back. */
  resume() {
    if (this.sheet?.state === "error") this.sheet.read();
    else if (this.error && this.id) this.load();
  }

  /** Alt with an arrow turns to the newer or older message. */
  onKey = (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const there = { ArrowUp: this.neighbour(this.id, -1), ArrowDown: this.neighbour(this.id, 1) }[event.key];
    if (!there) return;
    event.preventDefault();
    this.open(there, { replace: true });
  };

  /** The dialog: always in the page, opened and closed with the URL. */
  view() {
    return html`<dialog class="info" aria-labelledby="info-heading"
      @cancel=${(event) => {
        event.preventDefault();
        this.close();
      }}
      @keydown=${this.onKey}
      @click=${(event) => event.target === event.currentTarget && this.close()}
    >${this.id ? this.content() : nothing}</dialog>`;
  }

  content() {
    if (this.sheet) return loaded.popover(this.sheet);
    const { close, error } = this;
    return html`<div class="info-bar"><span class="info-bar-end"><button type="button" class="round close" aria-label=${said.shell.close}
        title=${said.shell.close} @click=${close}>${icons.close}</button></span></div>
      <h2 id="info-heading" tabindex="-1" class="unseen">${said.shell.loading}</h2>
      <div class="info-body">${error ? failure(error, this.load) : skeleton(6)}</div>`;
  }

  /** After each rendering: opens and closes the dialog, and keeps the focus in it. */
  drawn(root) {
    const dialog = root.querySelector("dialog.info");
    if (!dialog) return;
    if (!this.prefetched && root.querySelector("[data-info]")) this.prefetch();
    if (this.id && !dialog.open) {
      dialog.showModal();
      document.getElementById("info-heading")?.focus();
    }
    if (this.id) this.opener = this.id;
    if (!this.id && dialog.open) this.closeDialog(root, dialog);
    this.turned(root, dialog);
  }

  closeDialog(root, dialog) {
    dialog.close();
    // There is no such button where a link opened the popover, or where the row has left the list.
    const opener = root.querySelector(`[data-info="${CSS.escape(this.opener)}"]`);
    if (opener) opener.focus();
    else this.home()?.focus({ preventScroll: true });
  }

  turned(root, dialog) {
    const message = this.sheet?.message;
    if (this.shown === message) return;
    const turned = this.shown?.id !== message?.id;
    this.shown = message;
    if (!turned || !dialog.open) return;
    root.querySelector(".info-body")?.scrollTo(0, 0);
    if (!dialog.contains(document.activeElement) || document.activeElement === dialog) document.getElementById("info-heading")?.focus();
  }
}
