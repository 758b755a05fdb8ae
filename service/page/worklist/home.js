// The worklist: today in four numbers, and what waits for a person, by group, the worst first.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { ageText, moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { count, number } from "../numbers.js";
import { customerLink, messagePlace, placeLink } from "../place-link.js";
import { words } from "../words.js";
import { figures, spansOf } from "./figures.js";
import { GROUPS, groupsOf, oldest, renewed, visible, without } from "./groups.js";
import { readFound, readLastSettled, readNumbers, readWorklist } from "./queries.js";
import { rowView } from "./row-view.js";
import { Triage } from "./triage.js";

/** Milliseconds between two readings of the numbers. */
const NUMBERS_MS = 30_000;
/** From how long on it is worth a word how long the oldest row has waited. */
const LONG_MS = 60_000;

/** The place of one group whole. */
const groupPlace = (name) => ({ view: "worklist", path: [], query: { show: name } });

export class Home extends Triage {
  constructor(place, app) {
    super(place, app);
    /** `loading`, `ready` or `error`. */
    this.state = "loading";
    this.error = null;
    this.groups = [];
    /** The last reading, of which `waiting` rows are not shown yet. */
    this.fresh = [];
    this.waiting = 0;
    this.total = null;
    this.numbers = null;
    this.numbersAt = -Infinity;
    this.lastSettled = null;
    this.poll();
  }

  shows(place) {
    return place.view === "worklist" && !Object.hasOwn(GROUPS, place.query.show ?? "");
  }

  rows() {
    return this.groups.flatMap(visible);
  }

  // Reading ---------------------------------------------------------------------------------------------------------

  /** Reads what waits; one reading at a time. */
  async poll() {
    this.again = true;
    this.polling ??= this.readUntilNew().finally(() => { this.polling = null; });
    return this.polling;
  }

  /** Once more for whoever asked while it was read: they wait for what is true after they asked. */
  async readUntilNew() {
    while (this.again && !this.stop.signal.aborted) {
      this.again = false;
      await this.read();
    }
  }

  async read() {
    this.readNumbers();
    try {
      this.receive(await this.call(readWorklist));
      this.error = null;
    } catch (error) {
      if (error.name === "AbortError" || this.stop.signal.aborted) return;
      this.error = error;
      if (this.state === "loading") this.state = "error";
    }
    this.app.changed();
  }

  receive({ lists, refused }) {
    this.total = lists.total;
    if (this.total) this.app.noteWaiting(this.total.value);
    const read = groupsOf({ lists, refused });
    this.fresh = read.map((group) => ({ ...group, rows: group.rows.filter((row) => !this.isSettled(row)) })).filter(({ rows, fault }) => rows.length || fault);
    const first = this.state !== "ready";
    this.state = "ready";
    if (first || !this.rows().length) this.showAll();
    else ({ groups: this.groups, waiting: this.waiting } = renewed(this.groups, this.fresh));
    this.groups.flatMap(visible).forEach((row) => this.renewNote(row));
    if (first && [document.body, document.getElementById("main")].includes(document.activeElement)) this.focusNext = "";
    this.readSingles();
    if (!this.groups.length) this.readLastSettled();
  }

  /** Who decided what last: said where nothing waits. */
  async readLastSettled() {
    try {
      this.lastSettled = await this.call(readLastSettled);
      this.app.changed();
    } catch {
      // Nothing waits all the same.
    }
  }

  /** What was said of a row ends when it has become something else. */
  renewNote(row) {
    const note = this.notes.get(row.key);
    if (note && !row.gone && note.since !== row.since) this.notes.delete(row.key);
  }

  /** Shows what the last reading found. */
  showAll = () => {
    this.groups = this.fresh;
    this.waiting = 0;
  };

  /** The subjects of incidents of one message. */
  async readSingles() {
    const wanted = this.rows().filter(({ kind, value }) => kind === "incident" && value.messages === 1).map(({ value }) => value.filter.ids[0]);
    const ids = wanted.filter((id) => !this.singles.has(id));
    if (!ids.length) return;
    try {
      const { edges } = await this.call((options) => readFound({ ids }, { first: ids.length, after: null }, options));
      for (const { node } of edges) this.singles.set(node.id, node);
      this.app.changed();
    } catch {
      // The row says what the incident does.
    }
  }

  async readNumbers() {
    const now = Date.now();
    if (now - this.numbersAt < NUMBERS_MS) return;
    this.numbersAt = now;
    const spans = spansOf(now);
    try {
      this.numbers = { ...(await this.call((options) => readNumbers(spans, options))), spans };
      this.app.changed();
    } catch {
      // They keep what they were, or their dash.
      this.numbersAt = -Infinity;
    }
  }

  take(key) {
    this.groups = without(this.groups, key);
    return [key];
  }

  async bringBack() {
    await this.poll();
    this.showAll();
  }

  /** For the palette: each group whole. */
  actions() {
    return this.groups.map((group) => ({
      name: `${said.worklist.groups[group.name].heading}: ${said.worklist.all(count(group.count))}`, keys: "",
      run: () => this.app.follow({ preventDefault: () => {} }, groupPlace(group.name)),
    }));
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  sentence() {
    if (!this.total?.value) return nothing;
    const since = oldest(this.groups);
    const { waits, oldest: longest } = said.worklist;
    return html`<p class="wl-sum">${waits(count(this.total), this.total.value === 1)}${since && Date.now() - Date.parse(since) > LONG_MS ? html` ${longest(ageText(since))}` : nothing}</p>`;
  }

  /** New rows wait here until they are asked for. */
  pill() {
    const show = () => {
      this.showAll();
      this.app.changed();
    };
    return html`<div class="wl-pill" role="status">${this.waiting ? html`<button type="button" class="pill" @click=${show}>${said.worklist.fresh(number(this.waiting))}</button>` : nothing}</div>`;
  }

  group = (group) => {
    const { heading, why } = said.worklist.groups[group.name];
    const rows = visible(group);
    const more = group.count.value > rows.length;
    const there = groupPlace(group.name);
    return html`<section class="wl-group" aria-labelledby="wl-${group.name}"><div class="wl-head">
        <h2 id="wl-${group.name}">${heading} <span class="wl-count">${count(group.count)}</span></h2><p>${why}</p>
        ${more ? html`<a class="link" href=${writeAddress(there)} @click=${this.app.to(there)}>${said.worklist.all(count(group.count))}</a>` : nothing}</div>
      ${group.fault ? html`<p class="fault wl-unread" role="alert">${said.worklist.unread} ${group.fault}</p>` : nothing}
      ${rows.length ? html`<div class="wl-rows" role="list">${repeat(rows, (row) => row.key, (row) => rowView(row, this))}</div>` : nothing}</section>`;
  };

  content() {
    if (this.state === "loading") return skeleton();
    if (this.state === "error") return failure(this.error, () => this.poll());
    if (!this.groups.length) return html`${notice({ heading: said.worklist.nothing, text: said.worklist.nothingText })}${this.settledLine()}`;
    return html`${repeat(this.groups, ({ name }) => name, this.group)}${this.keys()}`;
  }

  settledLine() {
    const last = this.lastSettled;
    if (!last) return nothing;
    const { message } = last;
    return html`<p class="wl-last">${said.worklist.lastSettled} ${moment(last.settledAt)}, ${said.worklist.by} <bdi>${last.by}</bdi>: ${words.event(last.kind)}${
      message ? html`, ${placeLink(this.app, messagePlace(message.id), html`<bdi>${message.subject ?? said.words.subjectErased}</bdi>`)} · ${customerLink(this.app, message.customer)}` : nothing}</p>`;
  }

  keys() {
    const { keys } = said.worklist;
    return html`<p class="wl-keys" aria-hidden="true"><span><kbd>↑</kbd> <kbd>↓</kbd> ${keys.move}</span><span><kbd>Enter</kbd> ${keys.open}</span>
      <span><kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd> ${keys.act}</span><span><kbd>Z</kbd> ${keys.undo}</span><span><kbd>?</kbd> ${keys.all}</span></p>`;
  }

  stoppedRelay() {
    const found = this.groups.find(({ name }) => name === "relays")?.rows.find(({ kind, gone }) => kind === "relay" && !gone);
    return found?.value.name ?? null;
  }

  view() {
    return html`<header class="heading wl-heading"><h1>${said.worklist.title}</h1>${this.sentence()}</header>
      ${figures(this.numbers, { stopped: this.stoppedRelay(), app: this.app })}
      <div class="wl-groups" @keydown=${this.onKey}>${this.pill()}${this.content()}</div>${this.sheet.view()}`;
  }
}
