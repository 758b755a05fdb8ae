// All messages: a search and filters in the address, rows to choose, and what can be done with many of them.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { bulkBar, digitOf } from "../bulk-bar.js";
import { BULK_ACTIONS, BulkPlan } from "./bulk-plan.js";
import { hasMore, messageChips } from "./chips.js";
import { Choosing } from "../choosing.js";
import { exportMenu } from "./export-menu.js";
import { FILTERS, isFiltered, readFilter } from "./filter.js";
import { filterChips } from "../filter-chips.js";
import { said } from "../language.js";
import { infoOf, SheetDialog } from "../message/sheet-dialog.js";
import { ListPlace } from "./list-place.js";
import { listHead } from "./list-head.js";
import { messageRows } from "./message-rows.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { preference } from "../preferences.js";
import { countEach, readCampaigns, readMessages, readRows, readSenders } from "./queries.js";
import { forgetHeights, listEnd, watchBlocks } from "../row-blocks.js";
import { savedSearches } from "./saved-searches.js";

/** Between two readings of the newest rows, while the page is looked at. */
const POLL_MS = 5_000;
/** Pause in typing after which the search runs. */
const TYPING_MS = 250;
/** Messages that one plan may act on; the API takes the oldest of more. */
const MAX_BULK = 10_000;
const PER_FILTER = [...FILTERS, "search"];

/** The part of a query that says what is listed, as a text to compare. */
const wanted = (query) => JSON.stringify([...PER_FILTER, "order"].map((name) => query[name] ?? null));

export class MessageList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.typed = place.query.search ?? "";
    this.choosing = new Choosing();
    this.plan = new BulkPlan(app, { done: (what) => this.acted(what), closed: () => this.focusHere() });
    this.total = null;
    this.searchedUntil = null;
    /** How far a filter without an index was read, when that found less than a page. */
    this.scannedTo = null;
    /** The row with the keyboard. */
    this.here = null;
    this.loaded = {};
    this.moreChips = false;
    this.drawings = [];
    this.pendingKey = null;
    this.readRows = app.guard(readRows);
    this.countEach = app.guard(countEach);
    this.list = new PagedList(app.guard((page, options) => this.readPage(page, options)), () => app.changed());
    this.dialog = new SheetDialog(app, {
      rows: () => this.ids(),
      more: () => this.list.older(),
      reread: (id) => this.reread([id]),
      home: () => document.getElementById("search"),
    });
    this.listPlace = new ListPlace({
      list: () => this.list,
      grid: () => document.getElementById("messages"),
      write: (at) => at !== (this.place.query.at ?? null) && app.query({ at }, { replace: true, scroll: false }),
      arrived: () => this.showWaiting(),
    });
    this.onResize = () => forgetHeights(this.list);
    this.onKey = (event) => this.digit(event);
    window.addEventListener("resize", this.onResize);
    document.addEventListener("keydown", this.onKey);
    this.poll();
  }

  get title() {
    return said.messages.title;
  }

  shows(place) {
    return place.view === "messages" && !place.path.length;
  }

  leave() {
    clearTimeout(this.polling);
    clearTimeout(this.typing);
    this.listPlace.stop();
    window.removeEventListener("resize", this.onResize);
    document.removeEventListener("keydown", this.onKey);
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
    this.list.retry();
    if (this.list.state === "new") this.find(this.place.query.at ?? null);
    else this.refresh();
    this.dialog.resume();
  }

  // Reading -----------------------------------------------------------------------------------------------------------

  /** What the address asks for; kept, since the cursors of a list belong to one filter. */
  async find(at) {
    this.asked = readFilter(this.place.query, { zone: preference("zone") });
    const search = this.place.query.search ?? "";
    // A trailing space, typed before a second word, is kept.
    if (this.typed.trim() !== search.trim()) this.typed = search;
    this.choosing.clear();
    this.plan.reset();
    Object.assign(this, { total: null, searchedUntil: null, scannedTo: null, without: null, here: null });
    for (const name of ["campaign", "sender"]) if (this.place.query[name] !== undefined) this.loadOptions(name);
    const { asked } = this;
    await this.list.open(at);
    if (asked !== this.asked || this.list.state !== "ready") return;
    if (!this.list.count) this.readWithout();
    this.app.announce(this.total ? said.messages.total(this.total) : said.messages.noneFound);
    if (at) this.reveal(at);
  }

  async readPage(page, options) {
    const { asked } = this;
    const found = await readMessages(asked, page, options);
    if (asked === this.asked) {
      this.scannedTo = found.scannedTo;
      if (page.after === null) Object.assign(this, { total: found.totalCount, searchedUntil: found.searchedUntil });
    }
    return found;
  }

  poll() {
    clearTimeout(this.polling);
    this.polling = setTimeout(async () => {
      if (!document.hidden && this.list.state === "ready" && !this.plan.busy) await this.refresh();
      this.poll();
    }, POLL_MS);
  }

  /** Reads the newest rows again; what has left the filter stays where it is, with what is true of it now. */
  async refresh() {
    const { list } = this;
    const first = [...list.rows()].slice(0, 50).map((row) => row.node.id);
    const reading = this.listPlace.isReading || this.choosing.size > 0 || Boolean(this.dialog.id);
    try {
      await list.refresh({ hold: !this.listPlace.atTop || reading });
      const now = new Set([...list.rows()].map((row) => row.node.id));
      await this.reread(first.filter((id) => now.has(id) && this.isUnsettled(id)));
    } catch {
      // `app.guard` has handled it: the surrounding page shows signed out and offline.
    }
  }

  isUnsettled(id) {
    return ["QUEUED", "HANDED_OFF", "DEFERRED"].includes(this.rowOf(id)?.status);
  }

  /** Updates the rows of these messages. */
  async reread(ids) {
    if (!ids.length) return;
    const rows = await this.readRows(ids).catch(() => []);
    for (const row of rows) this.list.patch(row.id, () => row);
    this.app.changed();
  }

  /** Which one filter's removal would find the most; only asked where nothing was found. */
  async readWithout() {
    const { asked, place: { query } } = this;
    const set = PER_FILTER.filter((name) => query[name] !== undefined && name !== "to");
    if (set.length < 2) return;
    const others = set.map((name) => {
      const { [name]: _, ...rest } = query;
      if (name === "from") delete rest.to;
      return readFilter(rest, { zone: preference("zone") });
    });
    const counts = await this.countEach(others).catch(() => []);
    const most = counts.indexOf(Math.max(...counts));
    if (asked !== this.asked || !counts[most]) return;
    this.without = { name: set[most], count: counts[most] };
    this.app.changed();
  }

  loadOptions = async (name) => {
    if (this.loaded[name]) return;
    const ids = (this.place.query[name] ?? "").split(",").filter(Boolean);
    const read = this.app.guard(name === "campaign" ? () => readCampaigns(ids) : () => readSenders());
    this.loaded[name] = await read().catch(() => undefined);
    this.app.changed();
  };

  // Filters -----------------------------------------------------------------------------------------------------------

  /** Changes the filters: what is open and where the reader is no longer stands. */
  set = (change) => this.app.query({ ...change, at: null, info: null });

  setChip = (name, value) => {
    if (name === "date") this.set({ from: null, to: null });
    else this.set({ [name]: Array.isArray(value) ? value.join(",") : value });
  };

  clear = () => {
    this.typed = "";
    this.set(Object.fromEntries(PER_FILTER.map((name) => [name, null])));
  };

  type(text) {
    this.typed = text;
    this.pendingKey = null;
    this.app.changed();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.search(), TYPING_MS);
  }

  search() {
    clearTimeout(this.typing);
    const search = this.typed.trim();
    if (search !== (this.place.query.search ?? "")) this.app.query({ search: search || null, at: null, info: null }, { replace: true });
  }

  searchKey(event) {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    const pressed = { ArrowDown: "focus", Enter: "open" }[event.key];
    if (pressed) {
      event.preventDefault();
      this.search();
      this.pendingKey = pressed;
      this.runPendingKey();
    } else if (event.key === "Escape" && this.typed) {
      event.preventDefault();
      this.type("");
    }
  }

  /** Goes to the first row, or opens it, once the list shows the result of the typed search. */
  runPendingKey() {
    if (!this.pendingKey || this.list.state !== "ready" || this.typed.trim() !== (this.place.query.search ?? "")) return;
    const [first] = this.ids();
    if (first && this.pendingKey === "focus") this.focusRow(first);
    else if (first) this.dialog.open(first);
    this.pendingKey = null;
  }

  // Choosing ----------------------------------------------------------------------------------------------------------

  ids() {
    return [...this.list.rows()].map((row) => row.node.id);
  }

  rowOf(id) {
    for (const { node } of this.list.rows()) if (node.id === id) return node;
    return null;
  }

  get chosenRows() {
    return [...this.list.rows()].map((row) => row.node).filter((node) => this.choosing.has(node.id));
  }

  toggle = (id) => {
    this.choosing.toggle(id);
    this.chose();
  };

  range = (id) => {
    this.choosing.range(id, this.ids());
    this.chose();
  };

  chooseAll = () => {
    this.choosing.all(this.ids());
    this.chose();
  };

  chooseNone = () => {
    this.choosing.clear();
    this.plan.reset();
    this.chose();
    this.focusHere();
  };

  chose() {
    this.plan.reset();
    this.app.announce(said.shared.chosen(this.choosing.size));
    this.app.changed();
  }

  /** Whether all that match may be chosen: known how many, not all of the history, and not more than one plan takes. */
  get canChooseAll() {
    const { total, asked } = this;
    return Boolean(total && isFiltered(this.place.query) && asked.orderBy && total.value > this.choosing.ids.size && total.value <= MAX_BULK);
  }

  /** The actions that apply to at least one of the chosen rows that are loaded. */
  get bulkActions() {
    const possible = new Set(this.chosenRows.flatMap((node) => node.actions));
    return BULK_ACTIONS.filter((action) => possible.has(action)).map((action) => ({ name: said.message.actions[action], run: () => this.openPlan(action) }));
  }

  openPlan(action) {
    const { choosing, asked } = this;
    const rows = this.chosenRows;
    const whole = choosing.everything === null;
    this.plan.open(action, whole ? { filter: { ids: [...choosing.ids] }, search: null } : this.askedAll(asked), { rows, whole });
  }

  /** A search alone is no filter for a plan: it is about all mail until now. */
  askedAll({ filter, search }) {
    return { search, filter: Object.keys(filter).length ? filter : { occurredAt: { until: new Date().toISOString() } } };
  }

  /** An action was done: the rows say what is true now, and nothing is chosen. */
  acted({ ids }) {
    this.choosing.clear();
    if (ids.length) this.reread(ids);
    this.focusHere();
    this.app.changed();
  }

  // Keyboard ----------------------------------------------------------------------------------------------------------

  digit(event) {
    const place = this.choosing.size && !this.plan.action ? digitOf(event) : null;
    const action = place === null ? null : this.bulkActions[place];
    if (!action || this.app.readOnly) return;
    event.preventDefault();
    action.run();
  }

  keys = (event) => {
    if (event.metaKey || event.altKey || event.isComposing) return;
    if (event.ctrlKey) {
      if (event.key.toLowerCase() !== "a") return;
      event.preventDefault();
      this.chooseAll();
      return;
    }
    if (this.move(event) || event.shiftKey) return;
    const isRow = event.target.matches?.("[data-message]");
    const acts = { Enter: isRow && (() => this.dialog.open(this.here)), " ": isRow && (() => this.toggle(this.here)), Escape: this.choosing.size > 0 && this.chooseNone };
    if (preference("letters") && event.key.toLowerCase() === "x") acts[event.key] = () => this.toggle(this.here);
    if (!acts[event.key] || (this.app.readOnly && event.key !== "Enter")) return;
    event.preventDefault();
    acts[event.key]();
  };

  /** An arrow, J or K: the row below or above has the keyboard; with Shift it is chosen, too. */
  move(event) {
    const letters = preference("letters") ? { j: 1, k: -1 } : {};
    const step = { ArrowDown: 1, ArrowUp: -1, ...letters }[event.key];
    if (!step) return false;
    const ids = this.ids();
    const next = ids[ids.indexOf(this.here) + step];
    event.preventDefault();
    if (!next) return true;
    if (event.shiftKey && !this.app.readOnly) {
      if (!this.choosing.size) this.choosing.toggle(this.here);
      this.range(next);
    }
    // From an info button the arrows move to the next info button.
    this.focusRow(next, event.target.matches?.(".info-button") ? ".info-button" : null);
    return true;
  }

  focusRow(id, part = null) {
    this.here = id;
    this.afterDrawing(() => {
      const row = document.querySelector(`#messages [data-message="${id}"]`);
      (part ? row?.querySelector(part) : row)?.focus();
    });
  }

  focusHere() {
    if (this.here) this.focusRow(this.here);
  }

  focused = (id) => {
    if (id === this.here) return;
    this.here = id;
    this.app.changed();
  };

  // Drawing -----------------------------------------------------------------------------------------------------------

  afterDrawing(work) {
    this.drawings.push(work);
    this.app.changed();
  }

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
    const { list } = this;
    if (list.hasNewer) this.find(null);
    else list.showWaiting();
    this.app.query({ at: null }, { replace: true, scroll: false });
    this.afterDrawing(() => window.scrollTo(0, 0));
  };

  drawn(root) {
    watchBlocks(root);
    this.dialog.drawn(root);
    this.runPendingKey();
    for (const work of this.drawings.splice(0)) work();
  }

  /** For the palette: what was searched often is one word away. */
  actions() {
    return savedSearches(this.place.query).map(({ name, query }) => ({ name: said.messages.searchNamed(name), keys: "", run: () => this.app.go({ view: "messages", path: [], query }) }));
  }

  /** Nothing was found: by the filters, or at all. */
  none() {
    if (this.scannedTo && this.list.hasOlder) return html`<p class="list-end" role="status">${said.messages.readingOn}</p>${listEnd(this.list)}`;
    if (!isFiltered(this.place.query)) return notice(said.messages.empty);
    const { without } = this;
    const { name, count } = without ?? {};
    const label = name === "from" ? said.messages.chips.date : (said.messages.chips[name] ?? said.messages.searchLabel);
    const drop = () => (name === "search" ? (this.typed = "", this.set({ search: null })) : this.setChip(name === "from" ? "date" : name, null));
    return notice({
      heading: said.messages.noMatch,
      text: without ? html`<button type="button" class="link" @click=${drop}>${said.messages.without(label, count)}</button>` : said.messages.noMatchText,
      action: html`<button type="button" class="button" @click=${this.clear}>${said.messages.clearFilters}</button>`,
    });
  }

  rows() {
    const { list, choosing, app } = this;
    if (list.state === "error") return failure(list.error, () => this.find(null));
    if (list.state !== "ready") return skeleton();
    if (!list.count) return this.none();
    const ids = this.ids();
    this.here = ids.includes(this.here) ? this.here : ids[0];
    return html`${messageRows(list, {
      app, chosen: choosing, here: this.here, choosable: !app.readOnly, toggle: this.toggle, range: this.range, open: this.dialog.open, focused: this.focused, all: this.chooseAll,
      allChosen: ids.every((id) => choosing.has(id)), someChosen: choosing.size > 0, total: this.total?.precision === "EXACT" ? this.total.value + 1 : -1,
      keys: this.keys, pointed: this.listPlace.pointed,
    })}${this.scannedTo && list.hasOlder ? html`<p class="list-end">${said.messages.scannedTo(this.scannedTo)}</p>` : nothing}${listEnd(list)}`;
  }

  chips() {
    const { query } = this.place;
    const chips = messageChips(query, { loaded: this.loaded, load: this.loadOptions, setDate: this.set, all: this.moreChips });
    const more = hasMore(query) || this.moreChips
      ? html`<button type="button" class="filter filter-more" aria-expanded=${this.moreChips ? "true" : "false"} @click=${() => {
        this.moreChips = !this.moreChips;
        this.app.changed();
      }}><span class="plus" aria-hidden="true">${this.moreChips ? "−" : "+"}</span>${said.messages.moreChips}</button>` : nothing;
    return filterChips({ chips, set: this.setChip, clear: this.clear, after: more, sideways: true });
  }

  bar() {
    const { choosing, plan } = this;
    if (this.app.readOnly || (!choosing.size && !plan.action)) return nothing;
    const whole = choosing.everything === null;
    const actions = this.bulkActions;
    return bulkBar({
      count: choosing.size,
      actions,
      clear: this.chooseNone,
      plan: plan.action ? plan.view() : nothing,
      note: html`${actions.length ? nothing : said.messages.nothingToDo} ${exportMenu({ app: this.app, id: "export-chosen", quiet: true,
        asked: whole ? { filter: { ids: [...choosing.ids] }, search: null, orderBy: this.asked.orderBy } : this.asked })}`,
    });
  }

  view() {
    return html`<section class="msg-view" aria-labelledby="messages-heading">${listHead(this)}${this.rows()}${this.bar()}</section>${this.dialog.view()}`;
  }
}

