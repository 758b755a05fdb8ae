// The state of the popover: its mail, its loading state, and the action to confirm.
import { Offline } from "../errors.js";
import { act, readInfo, readLife } from "./queries.js";

/** A link to a file is good for five minutes; one this old is renewed before it is followed. */
const LINK_MS = 240_000;

export class InfoSheet {
  /** `page` knows neighbours and changes the URL; `guard` tracks the session and the network. */
  constructor(page, { changed, guard, announce }) {
    this.page = page;
    this.changed = changed;
    this.readInfo = guard(readInfo);
    this.readLife = guard(readLife);
    this.actOn = guard(act);
    this.announce = announce;
    this.previewAs = "html";
    this.clear(null);
  }

  clear(id) {
    this.id = id;
    this.state = id ? "loading" : "closed";
    this.message = null;
    this.error = null;
    this.asked = null;
    this.acting = false;
    this.fault = null;
    this.mailShown = false;
  }

  /** Shows this message; null closes the popover. */
  show(id) {
    if (id === this.id) return;
    this.clear(id);
    if (id) this.read();
  }

  /** Reads the message, again if it is shown already; what is shown stays until then. */
  async read() {
    const { id } = this;
    if (this.state === "error") this.state = "loading";
    this.changed();
    try {
      const message = await this.readInfo(id);
      if (id !== this.id) return;
      this.message = message;
      this.readAt = Date.now();
      this.state = "ready";
    } catch (error) {
      if (id !== this.id) return;
      if (!this.message) this.state = "error";
      this.error = error;
    }
    this.changed();
  }

  /** Whether there is no such message, or it is another customer's. */
  get gone() {
    const { customer } = this.page;
    return this.state === "ready" && (!this.message || Boolean(customer && customer.id !== this.message.customer.id));
  }

  get newer() {
    return this.page.neighbour(this.id, -1);
  }

  get older() {
    return this.page.neighbour(this.id, 1);
  }

  turn(id) {
    this.page.open(id, { replace: true });
  }

  close() {
    this.page.close();
  }

  ask = (action) => {
    this.asked = action;
    this.fault = null;
    this.changed();
    // The button that had the focus is replaced by the question, or back.
    requestAnimationFrame(() => document.querySelector(".info .actions :is(input, .button)")?.focus());
  };

  act = async (action, id, input) => {
    this.acting = true;
    this.fault = null;
    this.changed();
    try {
      await this.actOn(action, input);
      this.announce("Done. The history says so.");
      this.asked = null;
      await this.read();
      this.page.reread(id);
      document.getElementById("info-heading")?.focus();
    } catch (error) {
      // What was typed stays; what can be done may have changed.
      this.fault = error.message || "The service cannot be reached. Nothing was changed.";
      if (!(error instanceof Offline)) this.read();
    }
    this.acting = false;
    this.changed();
  };

  showPreview = (as) => {
    this.previewAs = as;
    this.changed();
  };

  /** Reads what followed in the mail's life, below what is shown. */
  readOn = async () => {
    const { id, message } = this;
    const { nodes, pageInfo } = message.events;
    const next = await this.readLife(id, pageInfo.endCursor).catch(() => null);
    if (next && message === this.message) message.events = { nodes: [...nodes, ...next.nodes], pageInfo: next.pageInfo };
    this.changed();
  };

  get linksAreOld() {
    return Date.now() - this.readAt >= LINK_MS;
  }

  /** Follows a link, the one that `urlOf` finds in a message; one that is too old is read again first. */
  follow = async (event, urlOf) => {
    if (!this.linksAreOld) return;
    event.preventDefault();
    const { id } = this;
    await this.read();
    const url = this.message && urlOf(this.message);
    if (id === this.id && url) location.assign(url);
  };

  download = (event, position) => this.follow(event, (message) => message.attachments[position]?.url);

  /** Opens the frame with the mail itself, by a link that is good, or closes it. */
  showMail = async () => {
    const { id, mailShown } = this;
    if (!mailShown && this.linksAreOld) await this.read();
    if (id !== this.id) return;
    this.mailShown = !mailShown;
    this.changed();
  };

  /** Shows the clicks of the message, where the view can. */
  get showClicks() {
    const { select } = this.page;
    return select && (() => select(this.id, true));
  }
}
