// The search and the filters of the list: what is typed, what is set, what their removal would find.
import { FILTERS, readFilter } from "./filter.js";
import { preference } from "../preferences.js";
import { countEach, readCampaigns, readSenders } from "./queries.js";

/** Pause in typing after which the search runs. */
const TYPING_MS = 250;
const PER_FILTER = [...FILTERS, "search"];

/** The part of a query that says what is listed, as a text to compare. */
export const wanted = (query) => JSON.stringify([...PER_FILTER, "order"].map((name) => query[name] ?? null));

export class ListSearch {
  /** `view` is the list: it knows the place, and opens and focuses rows. */
  constructor(view) {
    this.view = view;
    this.app = view.app;
    this.typed = view.place.query.search ?? "";
    /** `open` or `focus`: what to do with the first row once the list shows the result; null for nothing. */
    this.pendingKey = null;
    /** Options of chips, once they were read. */
    this.loaded = {};
    this.moreChips = false;
    /** `{ name, count }`: the filter whose removal would find the most. */
    this.without = null;
    this.countEach = this.app.guard(countEach);
  }

  get query() {
    return this.view.place.query;
  }

  stop() {
    clearTimeout(this.typing);
  }

  /** The address has changed: a trailing space, typed before a second word, is kept. */
  arrive() {
    const search = this.query.search ?? "";
    if (this.typed.trim() !== search.trim()) this.typed = search;
    this.without = null;
    for (const name of ["campaign", "sender"]) if (this.query[name] !== undefined) this.load(name);
  }

  /** Changes the filters: what is open, and where the reader is, no longer stands. */
  set = (change) => this.app.query({ ...change, at: null, info: null });

  /** Sets a chip; null takes it away. */
  setChip = (name, value) => {
    if (name === "date") this.set({ from: null, to: null });
    else this.set({ [name]: Array.isArray(value) ? value.join(",") : value });
  };

  /** Takes a filter of the address away: the search, or a chip. */
  drop(name) {
    if (name === "search") this.typed = "";
    this.set(name === "from" ? { from: null, to: null } : { [name]: null });
  }

  clear = () => {
    this.typed = "";
    this.set(Object.fromEntries(PER_FILTER.map((name) => [name, null])));
  };

  showMore = () => {
    this.moreChips = !this.moreChips;
    this.app.changed();
  };

  type(text) {
    this.typed = text;
    this.pendingKey = null;
    this.app.changed();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.run(), TYPING_MS);
  }

  run() {
    clearTimeout(this.typing);
    const search = this.typed.trim();
    if (search !== (this.query.search ?? "")) this.app.query({ search: search || null, at: null, info: null }, { replace: true });
  }

  onKey = (event) => {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    const pressed = { ArrowDown: "focus", Enter: "open" }[event.key];
    if (pressed) {
      event.preventDefault();
      this.run();
      this.pendingKey = pressed;
      this.runPendingKey();
    } else if (event.key === "Escape" && this.typed) {
      event.preventDefault();
      this.type("");
    }
  };

  /** Goes to the first row, or opens it, once the list shows the result of the typed search. */
  runPendingKey() {
    const { view } = this;
    if (!this.pendingKey || view.list.state !== "ready" || this.typed.trim() !== (this.query.search ?? "")) return;
    const [first] = view.ids();
    const opens = this.pendingKey === "open";
    this.pendingKey = null;
    if (first && opens) view.dialog.open(first);
    else if (first) view.choices.focusRow(first);
  }

  /** Reads the options of a chip, once. */
  load = async (name) => {
    if (this.loaded[name]) return;
    const ids = (this.query[name] ?? "").split(",").filter(Boolean);
    const read = this.app.guard(name === "campaign" ? () => readCampaigns(ids) : () => readSenders());
    this.loaded[name] = await read().catch(() => undefined);
    this.app.changed();
  };

  /** Asks which one filter's removal would find the most, where nothing was found. */
  async readWithout() {
    const { query } = this;
    const set = PER_FILTER.filter((name) => query[name] !== undefined && !(name === "to" && query.from !== undefined));
    if (set.length < 2) return;
    const others = set.map((name) => {
      const { [name]: _, ...rest } = query;
      if (name === "from") delete rest.to;
      return readFilter(rest, { zone: preference("zone") });
    });
    const counts = await this.countEach(others).catch(() => []);
    const most = counts.indexOf(Math.max(...counts));
    if (query !== this.query || !counts[most]) return;
    this.without = { name: set[most], count: counts[most] };
    this.app.changed();
  }
}
