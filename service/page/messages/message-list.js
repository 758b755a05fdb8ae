// All messages: a search and filters in the address, rows to choose, and what can be done with many of them.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { bulkBar } from "../bulk-bar.js";
import { Drawings } from "../drawings.js";
import { exportMenu } from "./export-menu.js";
import { isFiltered, readFilter } from "./filter.js";
import { said } from "../language.js";
import { listHead } from "./list-head.js";
import { ListPlace } from "../list-place.js";
import { ListSearch, wanted } from "./list-search.js";
import { infoOf, SheetDialog } from "../message/sheet-dialog.js";
import { messageRows } from "./message-rows.js";
import { momentText } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { preference } from "../preferences.js";
import { MAX_ROWS, readMessages, readRows } from "./queries.js";
import { forgetHeights, listEnd, watchBlocks } from "../row-blocks.js";
import { RowChoices } from "./row-choices.js";
import { savedSearches } from "./saved-searches.js";

/** Between two readings of the newest rows, while the page is looked at. */
const POLL_MS = 5_000;
/** Rows of which a change is looked for at each reading: those of the first page. */
const WATCHED_ROWS = 50;
/** Nothing is decided yet: these rows change by themselves. */
const UNDECIDED = ["QUEUED", "HANDED_OFF", "DEFERRED"];

/** A search that the API refuses, such as a lone bracket, finds nothing. */
function emptyIfRefused(error) {
  if (error.argument !== "search") throw error;
  return { edges: [], totalCount: { value: 0, precision: "EXACT" }, searchedUntil: null, scannedTo: null, pageInfo: { hasNextPage: false, endCursor: null } };
}

export class MessageList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    /** What the address asks for; kept, since the cursors of a list belong to one filter. */
    this.asked = null;
    this.forget();
    this.drawings = new Drawings(() => app.changed());
    this.afterDrawing = this.drawings.after;
    this.readRows = app.guard(readRows);
    this.list = new PagedList(app.guard((page, options) => this.readPage(page, options)), () => app.changed());
    this.search = new ListSearch(this);
    this.choices = new RowChoices(this);
    this.dialog = new SheetDialog(app, {
      rows: () => this.ids(),
      more: () => this.list.older(),
      reread: (id) => this.reread([id]),
      home: () => document.getElementById("search"),
    });
    this.listPlace = new ListPlace({
      list: () => this.list,
      id: "messages",
      heads: ["#messages .msg-heads"],
      write: (at) => at !== (this.place.query.at ?? null) && app.query({ at }, { replace: true, scroll: false }),
      arrived: () => this.showWaiting(),
    });
    this.onResize = () => forgetHeights(this.list);
    window.addEventListener("resize", this.onResize);
    this.poll();
  }

  /** What is known of a list before it is read. */
  forget() {
    this.total = null;
    this.searchedUntil = null;
    /** How far a filter without an index was read, when that found less than a page. */
    this.scannedTo = null;
  }

  get title() {
    return said.messages.title;
  }

  shows(place) {
    return place.view === "messages" && !place.path.length;
  }

  leave() {
    this.left = true;
    clearTimeout(this.polling);
    this.search.stop();
    this.choices.stop();
    this.listPlace.stop();
    window.removeEventListener("resize", this.onResize);
    this.list.reset();
  }

  arrive(place, { scroll = true } = {}) {
    const before = this.asked && this.place;
    this.place = place;
    const at = place.query.at ?? null;
    if (!before || wanted(before.query) !== wanted(place.query)) this.find(at);
    else if (scroll && at !== (before.query.at ?? null)) this.reveal(at);
    this.dialog.show(infoOf(place));
    this.app.changed();
  }

  resume() {
    if (this.list.state === "new" || this.list.state === "error") this.find(this.place.query.at ?? null);
    else {
      this.list.retry();
      this.refresh();
    }
    this.dialog.resume();
  }

  // Reading -----------------------------------------------------------------------------------------------------------

  find = async (at = null) => {
    const asked = readFilter(this.place.query, { zone: preference("zone") });
    this.asked = asked;
    this.forget();
    this.search.arrive();
    this.choices.reset();
    await this.list.open(at);
    if (asked !== this.asked || this.list.state !== "ready") return;
    if (!this.list.count) this.search.readWithout();
    this.app.announce(this.total && this.list.count ? said.messages.total(this.total) : said.messages.noneFound);
    if (at) this.reveal(at);
  };

  async readPage(page, options) {
    const { asked } = this;
    const found = await readMessages(asked, page, options).catch(emptyIfRefused);
    if (asked !== this.asked) return found;
    this.scannedTo = found.scannedTo;
    if (page.after === null) Object.assign(this, { total: found.totalCount, searchedUntil: found.searchedUntil });
    return found;
  }

  poll() {
    clearTimeout(this.polling);
    // A reading may end after the view was left.
    if (this.left) return;
    this.polling = setTimeout(async () => {
      if (!document.hidden && this.list.state === "ready" && !this.choices.plan.action) await this.refresh();
      this.poll();
    }, POLL_MS);
  }

  /** Reads the newest rows again; what has left the filter stays where it is, with what is true of it now. */
  async refresh() {
    const { list } = this;
    const undecided = [...list.rows()].slice(0, WATCHED_ROWS).filter((row) => UNDECIDED.includes(row.node.status)).map((row) => row.node.id);
    const reading = this.listPlace.isReading || this.choices.size > 0 || Boolean(this.dialog.id);
    try {
      const oldest = this.asked.orderBy === "OLDEST";
      if (!oldest) await list.refresh({ hold: !this.listPlace.atTop || reading });
      await this.reread(undecided);
    } catch {
      // `app.guard` has handled it: the surrounding page shows signed out and offline.
    }
  }

  /** Updates the rows of these messages. */
  async reread(ids) {
    for (let start = 0; start < ids.length; start += MAX_ROWS) {
      const rows = await this.readRows(ids.slice(start, start + MAX_ROWS)).catch(() => []);
      for (const row of rows) this.list.patch(row.id, () => row);
      this.app.changed();
    }
  }

  ids() {
    return this.list.ids((node) => node.id);
  }

  // Drawing -----------------------------------------------------------------------------------------------------------

  reveal(at) {
    const cursor = at && this.list.below(at);
    this.afterDrawing(() => this.listPlace.reveal(cursor));
  }

  showWaiting() {
    if (!this.list.waiting.length || this.list.hasNewer) return;
    this.list.showWaiting();
    this.app.changed();
  }

  showNewest = () => {
    if (this.list.hasNewer) this.find();
    else this.list.showWaiting();
    this.app.query({ at: null }, { replace: true, scroll: false });
    this.afterDrawing(() => window.scrollTo(0, 0));
  };

  drawn(root) {
    watchBlocks(root);
    this.dialog.drawn(root);
    this.search.runPendingKey();
    this.drawings.drawn();
  }

  /** For the palette: what is searched often is one word away. */
  actions() {
    return savedSearches(this.place.query).map(({ name, query }) => ({
      name: said.messages.searchNamed(name),
      keys: "",
      run: () => this.app.go({ view: "messages", path: [], query }),
    }));
  }

  /** Nothing was found: not yet, by these filters, or at all. */
  none() {
    if (this.scannedTo && this.list.hasOlder) return html`<p class="list-end">${said.messages.readingOn}</p>${listEnd(this.list)}`;
    if (!isFiltered(this.place.query)) return notice(said.messages.empty);
    const { without } = this.search;
    const label = without && (without.name === "from" ? said.messages.chips.date : (said.messages.chips[without.name] ?? said.messages.searchLabel));
    return notice({
      heading: said.messages.noMatch,
      text: without
        ? html`<button type="button" class="link" @click=${() => this.search.drop(without.name)}>${said.messages.without(label, without.count)}</button>`
        : said.messages.noMatchText,
      action: html`<button type="button" class="button" @click=${this.search.clear}>${said.messages.clearFilters}</button>`,
    });
  }

  rows() {
    const { list, choices, app } = this;
    if (list.state === "error") return failure(list.error, () => this.find());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return this.none();
    const ids = this.ids();
    if (!ids.includes(choices.here)) [choices.here] = ids;
    const { total } = this;
    return html`${messageRows(list, {
      app, choices, open: this.dialog.open, pointed: this.listPlace.pointed,
      allChosen: ids.every(choices.has),
      total: total?.precision === "EXACT" ? total.value + 1 : -1,
    })}${this.scannedTo && list.hasOlder ? html`<p class="list-end">${said.messages.scannedTo(momentText(this.scannedTo))}</p>` : nothing}${listEnd(list)}`;
  }

  bar() {
    const { choices } = this;
    const { plan, actions } = choices;
    if (this.app.readOnly || !choices.size) return nothing;
    return bulkBar({
      count: choices.size,
      actions,
      clear: choices.clear,
      plan: plan.action ? plan.view() : nothing,
      note: html`${actions.length ? nothing : said.messages.nothingToDo} ${exportMenu({ app: this.app, id: "export-chosen", asked: choices.asked, quiet: true })}`,
    });
  }

  view() {
    return html`<section class="msg-view" aria-labelledby="messages-heading">${listHead(this)}${this.rows()}${this.bar()}</section>${this.dialog.view()}`;
  }
}
