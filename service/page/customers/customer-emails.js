// The Emails page of one customer: three tabs over three lists, a selected mail, a popover, and live changes.
import { Drawings } from "../drawings.js";
import { emailsView } from "./emails-view.js";
import { readClicks, readCustomer, readNotes, readRow, readSent } from "./queries.js";
import { SheetDialog } from "../message/sheet-dialog.js";
import { LiveChanges } from "./live-changes.js";
import { said } from "../language.js";
import { drawnTabs } from "../link-tabs.js";
import { ListPlace } from "../list-place.js";
import { PagedList } from "../paged-list.js";
import { PrintHistory } from "./print-history.js";
import { forgetHeights, watchBlocks } from "../row-blocks.js";
import { SelectedMail } from "./selected-mail.js";

/** Messages whose rows are read one by one after a change; more are left to the next refresh. */
const MAX_ROWS = 10;

export class CustomerEmails {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.customer = null;
    this.state = "loading";
    this.drawings = new Drawings(() => app.changed());
    this.afterDrawing = this.drawings.after;
    const guarded = (read) => app.guard(read);
    const list = (read) => new PagedList(guarded((page, options) => read(this.place.customer, page, options)), () => app.changed());
    this.lists = {
      sent: list(readSent),
      notes: list(readNotes),
      clicks: list((reference, page, options) => readClicks(reference, { ...page, ...this.clicksOf }, options)),
    };
    this.clicksOf = { message: null, machines: false };
    this.readCustomer = guarded(readCustomer);
    this.readRow = guarded(readRow);
    this.dialog = new SheetDialog(app, {
      rows: () => this.messageIds(),
      more: () => this.list.older(),
      reread: (id) => this.reread(id),
      home: () => document.getElementById(`tab-${this.place.tab}`),
      customer: () => this.customer,
      select: (id, on) => this.select(id, on),
    });
    this.selected = new SelectedMail({ lists: [this.lists.sent, this.lists.notes], read: this.readRow, changed: () => app.changed() });
    this.listPlace = new ListPlace({
      list: () => this.list,
      id: "panel",
      heads: [".sticky", "#panel .heads"],
      write: (at) => at !== this.place.at && app.go({ at }, { replace: true, scroll: false }),
      arrived: () => this.showWaiting(),
    });
    this.printing = new PrintHistory(() => this.list, app);
    this.onResize = () => Object.values(this.lists).forEach(forgetHeights);
    window.addEventListener("resize", this.onResize);
    this.readHeading();
  }

  get title() {
    return this.customer ? `${this.customer.name ?? this.customer.externalRef} · ${said.emails.heading}` : said.emails.heading;
  }

  get list() {
    return this.lists[this.place.tab];
  }

  /** For the palette. */
  actions() {
    return [{ name: said.customers.parts.print, run: this.printing.print }];
  }

  /** Whether this view can show the place. */
  shows(place) {
    return place.view === "emails" && place.customer === this.place.customer;
  }

  leave() {
    this.left = true;
    this.live?.stop();
    this.printing.stop();
    this.listPlace.stop();
    window.removeEventListener("resize", this.onResize);
    Object.values(this.lists).forEach((list) => list.reset());
  }

  /** The URL has changed: show its place. */
  arrive(place, { scroll = true } = {}) {
    const before = this.place;
    const moved = place.tab !== before.tab;
    if (moved) this.list.scroll = window.scrollY;
    this.place = place;
    this.selected.load(place.message);
    const { clicks } = this.lists;
    if (place.message !== this.clicksOf.message || place.machines !== this.clicksOf.machines) {
      this.clicksOf = { message: place.message, machines: place.machines };
      clicks.reset();
    }
    if (this.list.state === "new") {
      const { list } = this;
      list.open(place.at).then(() => scroll && this.reveal(list, place.at));
    } else if (moved && scroll) {
      const to = this.list.scroll;
      this.afterDrawing(() => window.scrollTo(0, to));
      if (this.list.stale) this.list.refresh({ hold: true }).catch(() => {});
    } else if (place.at !== before.at && scroll) {
      this.reveal(this.list, place.at);
    }
    this.dialog.show(place.info);
    this.app.changed();
  }

  /** The session or the network is back: repeat failed reads. */
  resume() {
    const { list, place } = this;
    if (this.state === "error") this.readHeading();
    const unread = list.state === "new" || list.state === "error";
    for (const each of Object.values(this.lists)) if (each !== list || !unread) each.retry();
    if (unread) list.open(place.at).then(() => this.reveal(list, place.at));
    else this.onNews(new Set());
    this.dialog.resume();
    this.selected.retry(place.message);
  }

  async readHeading() {
    try {
      this.customer = await this.readCustomer(this.place.customer);
      this.state = this.customer ? "ready" : "unknown";
      // The heading may come after the view was left: nobody would end the subscription.
      if (this.customer && !this.live && !this.left) {
        this.live = new LiveChanges(this.customer.id, { onNews: (ids) => this.onNews(ids), changed: () => this.app.changed() });
      }
      if (!this.customer) this.app.announce(said.emails.noCustomer);
    } catch (error) {
      if (!this.customer) this.state = "error";
      this.error = error;
    }
    this.app.changed();
  }

  /** Something has changed: update what is shown, without moving it. */
  async onNews(messageIds) {
    const { list, place } = this;
    for (const each of Object.values(this.lists)) if (each !== list) each.stale = true;
    this.readHeading();
    this.dialog.renew(messageIds);
    try {
      const waiting = list.waiting.length;
      const hadRows = list.count > 0;
      const put = await list.refresh({ hold: !this.listPlace.atTop || this.listPlace.isReading || Boolean(place.info) });
      if (list.waiting.length > waiting) this.app.announce(said.emails.newAbove(list.waiting.length));
      else if (put && hadRows) this.app.announce(said.emails.newRows(put));
      await Promise.all([...messageIds].slice(0, MAX_ROWS).map((id) => this.reread(id)));
    } catch {
      // `app.guard` has handled it: the surrounding page shows signed out and offline.
    }
  }

  /** Updates the rows of one message, which may be beyond the first page. */
  async reread(id) {
    const lists = [this.lists.sent, this.lists.notes].filter((list) => list.has(id));
    if (!lists.length) return;
    const message = await this.readRow(id).catch(() => null);
    if (!message) return;
    const { info, openedAt, clickCount, subject } = message;
    for (const list of lists) {
      list.patch(id, (node) => ({ info, openedAt, clickCount, ...("title" in node ? { title: subject } : { subject, sentAt: info.sentAt }) }));
    }
    this.app.changed();
  }

  select = (id, on) => {
    if (!on) {
      this.app.go({ message: null });
      this.app.announce(said.emails.deselected);
      return;
    }
    this.app.go({ tab: "clicks", message: id, info: null, at: null });
    this.afterDrawing(() => document.getElementById("tab-clicks")?.focus({ preventScroll: true }));
    this.app.announce(said.emails.clicksOfOne);
  };

  /** The ids of the rows' messages in order; the popover of a click has no newer and older. */
  messageIds() {
    return this.place.tab === "clicks" ? [] : this.list.ids((node) => node.message.id);
  }

  showNewest = () => {
    const { list } = this;
    if (list.hasNewer) list.open();
    else list.showWaiting();
    this.app.go({ at: null }, { replace: true, scroll: false });
    this.afterDrawing(() => {
      window.scrollTo(0, 0);
      document.querySelector("#panel .row .open")?.focus({ preventScroll: true });
    });
  };

  /** Scrolls so that the row below the cursor `at` is the first visible one. */
  reveal(list, at) {
    if (list !== this.list) return;
    const cursor = at && list.below(at);
    this.app.changed();
    // A place that is not known any more is nowhere to scroll to.
    this.afterDrawing(() => (cursor || at === null) && this.listPlace.reveal(cursor));
  }

  /** At the top, what is new is no surprise. */
  showWaiting() {
    if (!this.list.waiting.length || this.list.hasNewer) return;
    this.list.showWaiting();
    this.app.changed();
  }

  /** After each rendering: dialogs, focus and scrolling, which a template cannot express. */
  drawn(root) {
    this.dialog.drawn(root);
    watchBlocks(root);
    drawnTabs(root);
    this.drawings.drawn();
  }

  onKey = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...document.querySelectorAll("#panel .row .open")];
    const here = rows.indexOf(event.target.closest(".row")?.querySelector(".open"));
    const next = here < 0 ? null : rows[here + step];
    if (!next) return;
    event.preventDefault();
    // From an info icon the arrow keys move to the next info icon.
    const target = event.target.matches(".info-button") ? next.closest(".row").querySelector(".info-button") : next;
    target.focus();
  };

  clearFilter = () => {
    this.app.go({ message: null, at: null });
    this.app.announce(said.emails.allLinks);
    this.afterDrawing(() => document.getElementById("tab-clicks")?.focus({ preventScroll: true }));
  };

  view() {
    return emailsView(this);
  }
}
