// One group of the worklist whole: every row, choosing, and what is done with many at once.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { bulkBar, digitOf } from "../bulk-bar.js";
import { Choosing } from "../choosing.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { failure, notice, skeleton } from "../notices.js";
import { count, number } from "../numbers.js";
import { PagedList } from "../paged-list.js";
import { preference } from "../preferences.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";
import { bulkActions, hasAll, isChoosable, mostChosen, readGroup } from "./group-lists.js";
import { rowView } from "./row-view.js";
import { Triage } from "./triage.js";

const WORKLIST = { view: "worklist", path: [], query: {} };

export class GroupPage extends Triage {
  constructor(place, app) {
    super(place, app);
    this.show = place.query.show;
    this.incident = place.query.incident ?? null;
    this.choosable = isChoosable(this.show) && !app.readOnly;
    this.choosing = new Choosing({ max: mostChosen(this.show) });
    this.count = null;
    /** How many rows came since the list was read. */
    this.newer = 0;
    this.list = new PagedList(app.guard((page, options) => this.readPage(page, options)), () => app.changed());
    this.openList();
  }

  get title() {
    return said.worklist.groups[this.show].heading;
  }

  shows({ view, query }) {
    return view === "worklist" && query.show === this.show && (query.incident ?? null) === this.incident;
  }

  leave() {
    super.leave();
    this.list.reset();
  }

  resume() {
    super.resume();
    this.list.retry();
  }

  rows() {
    return [...this.list.rows()].map(({ node }) => node).filter((row) => !this.isSettled(row));
  }

  // Reading ---------------------------------------------------------------------------------------------------------

  async readPage(page, options) {
    const found = await readGroup(this, page, options);
    this.count = found.totalCount ?? this.count;
    return found;
  }

  async openList() {
    this.newer = 0;
    await this.list.open();
    if (this.focusNext === null && [document.body, document.getElementById("main")].includes(document.activeElement)) this.focusNext = "";
    this.app.changed();
  }

  /** How many there are now: what is new waits above the list. */
  async poll() {
    if (this.list.state !== "ready" || this.polling || this.asked || this.isBehind) return;
    this.polling = true;
    try {
      const before = this.count;
      const { totalCount } = await this.call((options) => readGroup(this, { first: 1, after: null }, options));
      if (this.count !== before || !totalCount) return;
      this.newer = Math.max(0, totalCount.value - this.count.value);
      if (!this.newer) this.count = totalCount;
      this.app.changed();
    } catch {
      // `app.guard` shows signed out and offline; else the list stays what it is.
    } finally {
      this.polling = false;
    }
  }

  // Settling --------------------------------------------------------------------------------------------------------

  take(key) {
    const keys = key === null ? this.chosenRows().map((row) => row.key) : [key];
    const value = this.choosing.everything !== null && key === null ? 0 : Math.max(0, (this.count?.value ?? keys.length) - keys.length);
    this.count = { precision: "EXACT", ...this.count, value };
    const all = this.choosing.everything !== null && key === null;
    this.choosing.clear();
    // Of all that were chosen some may stay: the list says which.
    if (all || (!this.rows().some((row) => !keys.includes(row.key)) && this.list.hasOlder)) this.openList();
    return keys;
  }

  async bringBack() {
    await this.openList();
  }

  get isChoosing() {
    return this.choosing.size > 0;
  }

  chosenRows() {
    return this.rows().filter((row) => this.choosing.has(row.key));
  }

  offered() {
    const { everything, size } = this.choosing;
    return bulkActions(this.show, { rows: this.chosenRows(), all: everything !== null, count: size });
  }

  async bulk(action) {
    if (this.app.offline) return;
    if (action.ask) await this.ask(null, action.ask());
    else await this.run({ key: null }, action);
  }

  // Choosing --------------------------------------------------------------------------------------------------------

  onKey = (event) => {
    const row = this.rowOf(event.target);
    if (!row || !this.choosable || event.target.closest(".plan, .wl-reading, dialog")) return this.rowKey(event);
    const key = event.key.toLowerCase();
    if (key === "a" && (event.ctrlKey || event.metaKey) && !event.shiftKey) return this.chose(event, () => this.choosing.all(this.keys()));
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (key === "x" && !event.shiftKey && preference("letters")) return this.chose(event, () => this.choosing.toggle(row.key));
    if (event.shiftKey && (key === "arrowdown" || key === "arrowup")) return this.extend(event, row, key === "arrowdown" ? 1 : -1);
    if (key === "escape" && this.choosing.size) return this.chose(event, () => this.choosing.clear());
    const digit = this.choosing.size && preference("letters") && !this.app.offline ? digitOf(event) : null;
    if (digit === null) return this.rowKey(event);
    const action = this.offered()[digit];
    event.preventDefault();
    return action && this.bulk(action);
  };

  keys() {
    return this.rows().map((row) => row.key);
  }

  chose(event, change) {
    event.preventDefault();
    change();
    this.app.changed();
  }

  /** Shift and an arrow: this row and the next are chosen, which has the keyboard then. */
  extend(event, row, step) {
    if (this.choosing.anchor === null) this.choosing.toggle(row.key);
    const next = this.moveBy(event, row, step);
    if (next) this.choosing.range(next.key, this.keys());
    this.app.changed();
  }

  box(row, name) {
    if (!this.choosable) return nothing;
    const toggle = (event) => {
      if (event.shiftKey) this.choosing.range(row.key, this.keys());
      else this.choosing.toggle(row.key);
      this.app.changed();
    };
    return html`<label class="wl-box"><input type="checkbox" .checked=${this.choosing.has(row.key)} @click=${toggle}><span class="unseen">${said.worklist.choose(name)}</span></label>`;
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  drawn(root) {
    watchBlocks(root);
    super.drawn(root);
  }

  row = ({ node }) => {
    if (this.isSettled(node)) return nothing;
    return rowView(node, this, this.box(node, this.faceOf(node).name), this.choosing.has(node.key));
  };

  /** How many there are, and whether all of them are chosen. */
  counted() {
    const { size, everything } = this.choosing;
    const total = this.count && count(this.count);
    const loaded = this.keys();
    if (everything !== null) return html`${said.worklist.chosenAll(total)} <button type="button" class="link" @click=${(event) => this.chose(event, () => this.choosing.onlyLoaded(loaded))}>${
      said.worklist.onlyShown(number(loaded.length))}</button>`;
    const more = size && size === loaded.length && this.list.hasOlder && hasAll(this);
    return more ? html`<button type="button" class="link" @click=${(event) => this.chose(event, () => this.choosing.chooseEverything(this.count.value))}>${said.worklist.chooseAll(total)}</button>` : nothing;
  }

  bar() {
    if (!this.choosable) return nothing;
    const possible = this.choosing.size ? this.offered() : [];
    const clear = (event) => this.chose(event, () => this.choosing.clear());
    const fault = this.faults.get(null);
    return bulkBar({
      count: this.choosing.size, actions: possible.map((action) => ({ name: action.name, run: () => this.bulk(action) })), clear,
      plan: this.asked?.key === null ? this.planOf(null) : nothing, note: fault ? html`<span class="fault" role="alert">${fault}</span>` : nothing,
    });
  }

  content() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => this.openList());
    if (list.state !== "ready") return skeleton();
    if (!this.rows().length) return notice({ heading: said.worklist.noneLeft, text: nothing, action: html`<a class="button" href="/" @click=${this.app.to(WORKLIST)}>${said.shell.toWorklist}</a>` });
    return html`<div class="wl-rows" role="list">${rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }

  view() {
    const { heading, why } = said.worklist.groups[this.show];
    const total = this.count && count(this.count);
    return html`<header class="heading wl-heading"><a class="back" href="/" @click=${this.app.to(WORKLIST)}>${icons.back}${said.worklist.back}</a>
        <h1>${heading} <span class="wl-count">${total ?? nothing}</span></h1><p class="wl-sum">${this.incident && total ? said.worklist.incident(total) : why}</p></header>
      <div class="wl-groups" @keydown=${this.onKey}>
        <div class="wl-pill" role="status">${this.newer ? html`<button type="button" class="pill" @click=${() => this.openList()}>${said.worklist.fresh(number(this.newer))}</button>` : nothing}</div>
        <p class="wl-chosen" role="status">${this.choosable ? this.counted() : nothing}</p>
        ${this.content()}${this.bar()}</div>${this.sheet.view()}`;
  }
}
