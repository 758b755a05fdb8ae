// The Emails page of one customer: three tabs over three lists, a selected mail, a popover, and live changes.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { connectionNotes } from "./connection-notes.js";
import { customerHeading } from "./customer-heading.js";
import { customerTabs } from "./customer-tabs.js";
import { emailTabs } from "./email-tabs.js";
import { readClicks, readCustomer, readNotes, readRow, readSent } from "./queries.js";
import { SheetDialog } from "../message/sheet-dialog.js";
import { linksClicked } from "./links-clicked.js";
import { LiveChanges } from "./live-changes.js";
import { said } from "../language.js";
import { failure, NO_SUCH_MAIL, notice, skeleton } from "../notices.js";
import { drawnTabs } from "../link-tabs.js";
import { PagedList } from "../paged-list.js";
import { PrintHistory } from "./print-history.js";
import { forgetHeights, watchBlocks } from "../row-blocks.js";
import { sentEmails } from "./sent-emails.js";

/** After the last scroll event, until the position is written to the URL. */
const PLACE_MS = 250;
/** Messages whose rows are read one by one after a change; more are left to the next refresh. */
const MAX_ROWS = 10;
/** Pixels from the top that count as the top. */
const AT_TOP = 40;
/** After a pointer moved over the rows, rows must not move for this time: a click may follow. */
const POINTED_MS = 3_000;

export class CustomerEmails {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.customer = null;
    this.state = "loading";
    this.subject = null;
    this.drawings = [];
    this.pointedAt = -Infinity;
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
    this.printing = new PrintHistory(() => this.list, app);
    this.onScroll = () => this.scrolled();
    this.onResize = () => Object.values(this.lists).forEach(forgetHeights);
    window.addEventListener("scroll", this.onScroll, { passive: true });
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
    clearTimeout(this.placing);
    window.removeEventListener("scroll", this.onScroll);
    window.removeEventListener("resize", this.onResize);
    Object.values(this.lists).forEach((list) => list.reset());
  }

  /** The URL has changed: show its place. */
  arrive(place, { scroll = true } = {}) {
    const before = this.place;
    const moved = place.tab !== before.tab;
    if (moved) this.list.scroll = window.scrollY;
    this.place = place;
    this.loadSubject(place.message);
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
    if (!this.subject?.text) {
      this.subject = null;
      this.loadSubject(place.message);
    }
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
      const put = await list.refresh({ hold: !this.atTop || this.isReading || Boolean(place.info) });
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

  /** The selected mail's subject, for the chip on Links Clicked. */
  async loadSubject(id) {
    if (id === this.subject?.id) return;
    this.subject = id && { id, text: null };
    if (!id) return;
    for (const list of [this.lists.sent, this.lists.notes]) {
      for (const { node } of list.rows()) {
        if (node.message.id === id) this.subject = { id, text: node.subject ?? node.title, tracked: node.info.tracked };
      }
    }
    if (this.subject.text) return;
    const message = await this.readRow(id).catch(() => null);
    if (this.subject?.id === id && message) this.subject = { id, text: message.subject, tracked: message.info.tracked, customer: message.customer.id };
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
    return this.place.tab === "clicks" ? [] : this.list.blocks.flatMap((each) => each.rows.map((row) => row.node.message.id));
  }

  /** Whether the newest row is visible: only then may new ones be put above it. */
  get atTop() {
    return window.scrollY < AT_TOP;
  }

  /** Whether the focus or the pointer is among the rows, which must not move then. */
  get isReading() {
    const panel = document.getElementById("panel");
    const pointed = performance.now() - this.pointedAt < POINTED_MS;
    return pointed || Boolean(panel?.contains(document.activeElement) && panel !== document.activeElement);
  }

  onPoint = () => {
    this.pointedAt = performance.now();
  };

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
    this.afterDrawing(() => {
      const row = cursor && document.querySelector(`#panel [data-cursor="${cursor}"]`);
      if (row) row.scrollIntoView({ block: "start" });
      else if (at === null) window.scrollTo(0, 0);
    });
  }

  scrolled() {
    clearTimeout(this.placing);
    this.placing = setTimeout(() => this.writePlace(), PLACE_MS);
  }

  writePlace() {
    if (document.querySelector("dialog[open]") || this.list.state !== "ready") return;
    const line = Math.max(...[".sticky", "#panel .heads"].map((each) => document.querySelector(each)?.getBoundingClientRect().bottom ?? 0));
    const rows = [...document.querySelectorAll("#panel [data-cursor]")];
    // The first row of which more than half is visible.
    const first = rows.map((row) => [row, row.getBoundingClientRect()]).find(([, box]) => (box.top + box.bottom) / 2 > line)?.[0];
    const at = first && !this.atTop ? this.list.above(first.dataset.cursor) : null;
    if (at !== this.place.at) this.app.go({ at }, { replace: true, scroll: false });
    if (this.atTop && this.list.waiting.length && !this.list.hasNewer) {
      this.list.showWaiting();
      this.app.changed();
    }
  }

  afterDrawing(work) {
    this.drawings.push(work);
    this.app.changed();
  }

  /** After each rendering: dialogs, focus and scrolling, which a template cannot express. */
  drawn(root) {
    this.dialog.drawn(root);
    watchBlocks(root);
    drawnTabs(root);
    for (const work of this.drawings.splice(0)) work();
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

  /** The selected mail's subject; undefined when it is another customer's mail. */
  get selectedSubject() {
    const { subject, customer } = this;
    return subject?.customer && subject.customer !== customer?.id ? null : subject?.text;
  }

  clearFilter = () => {
    this.app.go({ message: null, at: null });
    this.app.announce(said.emails.allLinks);
    this.afterDrawing(() => document.getElementById("tab-clicks")?.focus({ preventScroll: true }));
  };

  broken() {
    const { list, place } = this;
    if (list.error.argument !== "messageId") return failure(list.error, () => list.open(place.at));
    return notice({ ...NO_SUCH_MAIL, action: html`<button type="button" class="button" @click=${this.clearFilter}>${said.emails.allLinks}</button>` });
  }

  panel() {
    const { list, place } = this;
    const { tab } = place;
    const broken = list.state === "error" ? this.broken() : null;
    if (tab === "clicks") {
      return linksClicked(list, {
        selected: place.message,
        subject: this.selectedSubject,
        tracked: this.subject?.tracked ?? true,
        machines: place.machines,
        clear: this.clearFilter,
        setMachines: (machines) => this.app.go({ machines, at: null }, { replace: true }),
      }, broken);
    }
    if (broken) return broken;
    if (list.state === "loading" || list.state === "new") return skeleton();
    const actions = { selected: place.message, select: this.select, open: this.dialog.open };
    return tab === "sent" ? sentEmails(list, actions) : connectionNotes(list, actions);
  }

  newer() {
    const { list } = this;
    if (list.waiting.length) {
      return html`<button type="button" class="pill" @click=${this.showNewest}>${said.emails.newPill(list.waiting.length)}</button>`;
    }
    if (list.hasNewer) return html`<button type="button" class="pill" @click=${this.showNewest}>${said.emails.newerAbove}</button>`;
    return nothing;
  }

  view() {
    if (this.state === "unknown") {
      return notice({
        level: 1,
        heading: said.emails.noCustomer,
        text: said.emails.noCustomerWhy(html`<bdi class="ref">${this.place.customer}</bdi>`),
        action: html`<a class="button" href="/customers" @click=${this.app.toList}>${said.emails.allCustomers}</a>`,
      });
    }
    if (this.state === "error") return failure(this.error, () => this.readHeading());
    const { place, list } = this;
    const liveState = this.app.offline ? "offline" : (this.live?.state ?? "connecting");
    const [live, title] = said.emails.live[liveState];
    return html`
      ${this.customer ? customerHeading(this.customer, this.app.toList) : html`<div class="heading"><h1 class="unseen">${said.emails.heading}</h1>${skeleton(2)}</div>`}
      ${customerTabs({ reference: place.customer, customer: this.customer, current: "emails", app: this.app, print: this.printing.print })}
      ${this.printing.view()}
      <div class="sticky"><div class="tab-line">
        ${emailTabs({ tab: place.tab, filtered: Boolean(place.message), choose: (tab) => tab !== this.place.tab && this.app.go({ tab, at: null }) })}
        <span class="live live-${liveState}" title=${title}>${live}</span>
      </div><div class="pill-place">${this.newer()}</div></div>
      <div id="panel" role="tabpanel" aria-labelledby="tab-${place.tab}" aria-busy=${list.state === "loading" ? "true" : "false"}
        tabindex=${list.count ? -1 : 0} @keydown=${this.onKey} @pointermove=${this.onPoint}>${this.panel()}</div>
      ${this.dialog.view()}`;
  }
}
