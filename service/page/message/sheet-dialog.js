// The popover of one message over a list: which one is in the address (`info`), newer and older are the list's rows.
import { emailInfo } from "./email-info.js";
import { InfoSheet } from "./info-sheet.js";

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
   * `customer()` is whose mail alone may be shown; `select(id)` shows the clicks of a message, where the view can.
   */
  constructor(app, { rows = () => [], more = () => {}, reread = () => {}, home = () => document.getElementById("main"), customer = () => null, select = null } = {}) {
    this.app = app;
    this.rows = rows;
    this.more = more;
    this.home = home;
    this.getCustomer = customer;
    this.reread = reread;
    this.select = select;
    this.sheet = new InfoSheet(this, app);
    this.shown = undefined;
    this.opener = null;
  }

  /** Rows from the end at which older ones are read while the popover moves from message to message. */
  static NEAR_THE_END = 5;

  get id() {
    return this.sheet.id;
  }

  get customer() {
    return this.getCustomer();
  }

  /** Shows this message; null closes the popover. */
  show(id) {
    this.sheet.show(id);
  }

  open = (id, { replace = false } = {}) => {
    this.app.go(withInfo(this.app.place, id), { replace, over: true });
    if (id && this.neighbour(id, SheetDialog.NEAR_THE_END) === null) this.more();
  };

  close = () => this.app.goBack(withInfo(this.app.place, null));

  /** The message `step` rows below (above when negative), or null. */
  neighbour = (id, step) => {
    const ids = [...this.rows()];
    const here = ids.indexOf(id);
    return here < 0 ? null : (ids[here + step] ?? null);
  };

  /** Reads the message again, if its popover is open: all of them when `ids` is empty. */
  renew(ids = new Set()) {
    if (this.id && (!ids.size || ids.has(this.id))) this.sheet.read();
  }

  /** The session or the network is back. */
  resume() {
    if (this.sheet.state === "error") this.sheet.read();
  }

  view() {
    return emailInfo(this.sheet);
  }

  /** After each rendering: opens and closes the dialog, and keeps the focus in it. */
  drawn(root) {
    const dialog = root.querySelector("dialog.info");
    if (!dialog) return;
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
    const { message } = this.sheet;
    if (this.shown === message) return;
    const turned = this.shown?.id !== message?.id;
    this.shown = message;
    if (!turned || !dialog.open) return;
    root.querySelector(".info-body")?.scrollTo(0, 0);
    if (!dialog.contains(document.activeElement) || document.activeElement === dialog) document.getElementById("info-heading")?.focus();
  }
}
