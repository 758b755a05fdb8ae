// The state of the popover, and of a message's own page: its message, the tab, the action to confirm, what is shown of its content.
import { writeAddress } from "../address.js";
import { Offline } from "../errors.js";
import { said } from "../language.js";
import { focusPlan } from "../plan.js";
import { act, readInfo, readLife, readSource, readText } from "./queries.js";

/** A link to a file is good for five minutes; one this old is renewed before it is followed. */
const LINK_MS = 240_000;
/** Actions that are done at once, since they can be taken back. */
const DIRECT = ["ASSUME_SENT", "DISMISS", "UNDO"];

/** The place of a message's own page. */
export const pageOf = (id) => ({ view: "messages", path: [id], query: {} });

export class InfoSheet {
  /** `page` knows neighbours and changes the URL; `app.guard` tracks the session and the network. */
  constructor(page, app) {
    this.page = page;
    this.app = app;
    this.changed = app.changed;
    this.readInfo = app.guard(readInfo);
    this.readLife = app.guard(readLife);
    this.readText = app.guard(readText);
    this.readSource = app.guard(readSource);
    this.actOn = app.guard(act);
    this.announce = app.announce;
    /** What stays from message to message: the tab, and how content is shown. */
    this.tab = "outcome";
    this.shows = { which: "exact", as: "html", width: "desktop" };
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
    this.copied = null;
    this.framedAt = 0;
    this.frameIsOld = false;
    /** The text part and the source, once they are asked for: `{ state, value, error }`. */
    this.parts = { text: null, source: null };
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
      this.message = this.withFrame(message);
      this.readAt = Date.now();
      this.state = "ready";
      this.readPart();
    } catch (error) {
      if (id !== this.id) return;
      if (!this.message) this.state = "error";
      this.error = error;
    }
    this.changed();
  }

  /** A message that is read again keeps its frame's address while that is good: another would load the frame anew. */
  withFrame(message) {
    const [shown, content] = [this.message?.content, message?.content];
    if (shown && content && shown.sha256 === content.sha256 && Date.now() - this.framedAt < LINK_MS) content.viewUrl = shown.viewUrl;
    else this.framedAt = Date.now();
    this.frameIsOld = false;
    return message;
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

  /** Whether actions are offered: not to a session that may only read. */
  get mayAct() {
    return !this.app.readOnly;
  }

  // Actions -----------------------------------------------------------------------------------------------------------

  /** Opens the plan of an action, or does at once what can be taken back; null closes the plan. */
  ask = (action) => {
    this.fault = null;
    if (DIRECT.includes(action)) return this.act(action, this.id, { messageId: this.id });
    this.opener = action ?? this.asked;
    this.asked = action;
    this.changed();
    // The button that had the focus is replaced by the plan, or back.
    requestAnimationFrame(() => {
      if (this.asked) focusPlan(document.querySelector(".info"));
      else document.querySelector(`.info [data-action="${this.opener}"]`)?.focus();
    });
    return undefined;
  };

  act = async (action, id, input) => {
    if (this.acting) return;
    this.acting = true;
    this.fault = null;
    this.changed();
    try {
      await this.actOn(action, input);
      this.told(action, id);
      this.page.reread(id);
      if (id === this.id) await this.acted();
    } catch (error) {
      // The reader may have gone on to another message, whose fault this is not.
      if (id !== this.id) return;
      // What was typed stays; what can be done may have changed.
      this.fault = error.message || said.message.unreachable;
      if (!(error instanceof Offline)) this.read();
    }
    if (id === this.id) this.acting = false;
    this.changed();
  };

  /** The message as it is now; its heading says what has become of it. */
  async acted() {
    const { id } = this;
    this.asked = null;
    await this.read();
    if (id === this.id) document.getElementById("info-heading")?.focus();
  }

  /** Says what was done, with Undo where the API can. */
  told(action, id) {
    this.announce(said.message.done);
    if (!this.app.undoable) return;
    if (action === "UNDO") this.app.undoable(said.message.undone);
    else if (DIRECT.includes(action)) this.app.undoable(said.message.doneOf[action], () => this.undo(id));
  }

  async undo(id) {
    await this.actOn("UNDO", { messageId: id });
    this.page.reread(id);
    if (id === this.id) await this.read();
  }

  // What is shown -----------------------------------------------------------------------------------------------------

  showTab = (tab) => {
    this.tab = tab;
    // The frame is loaded by an address that is good.
    if (tab === "content" && this.message?.content && Date.now() - this.framedAt >= LINK_MS) {
      this.frameIsOld = true;
      this.read();
    }
    this.readPart();
    this.changed();
  };

  /** Changes how content is shown: `which` is exact or template, `as` is html, text or source, `width` is desktop or phone. */
  showAs = (change) => {
    this.shows = { ...this.shows, ...change };
    this.readPart();
    this.changed();
  };

  /** What is shown of this message's content: without its own the template, which has no source. */
  get shown() {
    const { content, info } = this.message;
    const which = content && (this.shows.which === "exact" || !info.preview) ? "exact" : "template";
    return { ...this.shows, which, as: which === "template" && this.shows.as === "source" ? "html" : this.shows.as };
  }

  /** Reads the part of the content that is shown, unless that was done. */
  async readPart() {
    if (this.tab !== "content" || !this.message?.content) return;
    const { id, shown: { which, as } } = this;
    if (which !== "exact" || as === "html" || this.parts[as]?.state === "ready" || this.parts[as]?.state === "loading") return;
    const part = { state: "loading", value: null, error: null };
    this.parts[as] = part;
    try {
      part.value = as === "text" ? await this.readText(id) : await this.readSource(await this.goodUrl((message) => message.content.rawUrl));
      part.state = "ready";
    } catch (error) {
      Object.assign(part, { state: "error", error });
    }
    if (id === this.id) this.changed();
  }

  retryPart = () => this.readPart();

  /** Reads what followed in the message's life, below what is shown. */
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

  /** The link that `urlOf` finds in the message, which is read again when its links are too old. */
  async goodUrl(urlOf) {
    if (this.linksAreOld) await this.read();
    return this.message && urlOf(this.message);
  }

  /** Follows a link, the one that `urlOf` finds in a message; one that is too old is read again first. */
  follow = async (event, urlOf) => {
    if (!this.linksAreOld) return;
    event.preventDefault();
    const { id } = this;
    const url = await this.goodUrl(urlOf);
    if (id === this.id && url) location.assign(url);
  };

  download = (event, position) => this.follow(event, (message) => message.attachments[position]?.url);

  /** Shows the clicks of the message, where the view can. */
  get showClicks() {
    const { select } = this.page;
    return select && (() => select(this.id, true));
  }

  /** The address of the message's own page, which shows a colleague the same. */
  get pageHref() {
    return writeAddress(pageOf(this.id));
  }

  copyLink = async () => {
    const { id } = this;
    try {
      await navigator.clipboard.writeText(new URL(this.pageHref, location.href).href);
      this.copied = "copied";
    } catch {
      this.copied = "refused";
    }
    if (id !== this.id) return;
    this.announce(said.message[this.copied === "copied" ? "linkCopied" : "linkNotCopied"]);
    this.changed();
  };
}
