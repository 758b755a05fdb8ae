// The view: three tabs, each a list with a search, and below a row the plan of what is about to be done.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { warnOf } from "../address-warning.js";
import { digitOf } from "../bulk-bar.js";
import { Drawings } from "../drawings.js";
import { icons } from "../icons.js";
import { mayAct } from "../keys.js";
import { said } from "../language.js";
import { drawnTabs, linkTabs } from "../link-tabs.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { focusPlan, plan } from "../plan.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";
import { correctionPlan } from "./correction.js";
import { liftPlan } from "./lift.js";
import { correctAddress, exportUrl, liftSuppression, readBad, readCounts, readOptedOut, readSuppressed, retryMessage, suppressAgain } from "./queries.js";
import { badRow, optedOutRow, retried, suppressedRow } from "./rows.js";

const TABS = ["bad", "suppressed", "opted-out"];
const READ = { bad: readBad, suppressed: readSuppressed, "opted-out": readOptedOut };
const ROWS = { bad: badRow, suppressed: suppressedRow, "opted-out": optedOutRow };
/** Pause in typing after which the search runs. */
const TYPING_MS = 200;
/** Characters of a search at most. */
const MAX_SEARCH = 320;
/** Between two looks at what is new, while the page is visible. */
const POLL_MS = 5_000;
const STEP = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };

export class Addresses {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.counts = {};
    this.typed = place.query.search ?? "";
    /** The row about which something is to be done: `{ cursor, kind, to, busy, fault }`. */
    this.asked = null;
    this.drawings = new Drawings(() => app.changed());
    this.afterDrawing = this.drawings.after;
    this.lists = Object.fromEntries(TABS.map((tab) => [tab, new PagedList(app.guard((page, options) =>
      READ[tab]({ search: this.search, ...page }, options)), () => app.changed())]));
    this.readCounts = app.guard(readCounts);
    this.poll = setInterval(() => this.renew(), POLL_MS);
  }

  get tab() {
    return TABS.includes(this.place.path[0]) ? this.place.path[0] : "bad";
  }

  get search() {
    return (this.place.query.search ?? "").trim().slice(0, MAX_SEARCH);
  }

  get list() {
    return this.lists[this.tab];
  }

  get title() {
    return `${said.addresses.tabs[this.tab]} · ${said.shell.views.addresses}`;
  }

  shows(place) {
    return place.view === "addresses";
  }

  leave() {
    clearInterval(this.poll);
    clearTimeout(this.typing);
    Object.values(this.lists).forEach((list) => list.reset());
  }

  arrive(place) {
    const before = [this.tab, this.search];
    this.place = place;
    if (before[1] !== this.search) {
      Object.values(this.lists).forEach((list) => list.reset());
      if (this.typed.trim() !== this.search) this.typed = this.search;
    }
    if (before[0] !== this.tab || before[1] !== this.search) this.asked = null;
    if (this.list.state === "new") this.list.open();
    this.recount();
    this.app.changed();
  }

  resume() {
    for (const list of Object.values(this.lists)) list.retry();
    if (this.list.state === "new") this.list.open();
    else this.renew();
  }

  /** What is new waits above, for rows must not move under the pointer. */
  renew() {
    if (document.hidden || this.asked || this.app.offline || this.list.state !== "ready") return;
    this.list.refresh({ hold: this.list.count > 0 }).catch(() => {});
  }

  async recount() {
    try {
      this.counts = await this.readCounts();
      this.app.changed();
    } catch {
      // `app.guard` has handled it; a tab without a number says nothing wrong.
    }
  }

  type(text) {
    this.typed = text;
    this.app.changed();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      const search = this.typed.trim();
      if (search !== this.search) this.app.query({ search: search || null }, { replace: true });
    }, TYPING_MS);
  }

  /** Opens the plan of an action below its row; the same again closes it. */
  choose = (edge, action) => {
    const same = this.asked?.cursor === edge.cursor && this.asked.kind === action.kind && this.asked.to === (action.to ?? null);
    this.asked = same ? null : { cursor: edge.cursor, edge, kind: action.kind, to: action.to ?? null, busy: false, fault: null };
    if (!same) this.afterDrawing(() => focusPlan(document.querySelector(".addr-list") ?? document));
    this.app.changed();
  };

  back = () => {
    const { cursor } = this.asked;
    this.asked = null;
    this.afterDrawing(() => document.querySelector(`[data-cursor="${cursor}"] .addr-button`)?.focus());
  };

  /** Does what was planned: `work` returns what is said of it, and how it is undone. */
  async act(work) {
    const { asked } = this;
    Object.assign(asked, { busy: true, fault: null });
    this.app.changed();
    try {
      const { text, undo = null } = await work();
      this.settle(asked.edge);
      this.app.undoable(text, undo && (() => undo().then(() => this.list.open())));
    } catch (error) {
      asked.fault = error.message;
    }
    asked.busy = false;
    this.app.changed();
  }

  /** The row has been dealt with: it leaves, and the next one has the keyboard. */
  settle(edge) {
    const rows = [...document.querySelectorAll(".addr-row[data-cursor]")];
    const here = rows.findIndex((row) => row.dataset.cursor === edge.cursor);
    const next = (rows[here + 1] ?? rows[here - 1])?.dataset.cursor;
    edge.gone = true;
    this.asked = null;
    this.recount();
    for (const list of Object.values(this.lists)) if (list !== this.list) list.reset();
    this.afterDrawing(() => (document.querySelector(`[data-cursor="${next}"] .addr-button`) ?? document.getElementById("main"))?.focus());
  }

  /** `typed`: by hand, so that it is looked at first. */
  correct(node, to, typed) {
    const customerId = node.customer.id;
    return this.act(async () => {
      if (typed) await warnOf(to);
      const retriedCount = await this.app.guard(correctAddress)({ customerId, address: node.address, correctAddress: to });
      // What goes out again cannot be called back here.
      const undo = retriedCount ? null : () => this.app.guard(correctAddress)({ customerId, address: to, correctAddress: node.address, retry: false });
      return { text: said.addresses.corrected(to, retriedCount), undo };
    });
  }

  lift(node, input) {
    return this.act(async () => {
      const { released, id } = await this.app.guard(liftSuppression)({ address: node.address, ...input });
      return { text: said.addresses.lifted(node.address, released), undo: () => this.app.guard(suppressAgain)(id) };
    });
  }

  retry(node) {
    return this.act(async () => {
      await this.app.guard(retryMessage)(node.message.id);
      return { text: said.addresses.retried(node.address) };
    });
  }

  plan({ node }) {
    const { kind, to, busy, fault } = this.asked;
    const shared = { id: "addr-plan", address: node.address, busy, fault, back: this.back };
    if (kind === "lift") {
      const suppression = node.suppression ?? node;
      return liftPlan({ ...shared, suppression, act: (input) => this.lift(node, input) });
    }
    if (kind === "retry") {
      return plan({ ...shared, heading: said.addresses.retryHeading, lines: [retried(this.app, node)], confirm: said.addresses.retryOne, act: () => this.retry(node) });
    }
    return correctionPlan({ ...shared, to, waiting: node.waitingMessages, act: (right) => this.correct(node, right, to === null) });
  }

  async export() {
    this.exportFault = null;
    try {
      const url = await this.app.guard(exportUrl)(this.tab, this.search);
      if (url) location.assign(url);
      else this.exportFault = said.addresses.exportTooLong;
    } catch (error) {
      this.exportFault = error.message;
    }
    this.app.changed();
  }

  /** For the palette. */
  actions() {
    return [{ name: said.addresses.export, run: () => this.export() }];
  }

  drawn(root) {
    watchBlocks(root);
    drawnTabs(root);
    this.drawings.drawn();
  }

  onKey = (event) => {
    const row = event.target.closest(".addr-row");
    if (!row || event.target.closest(".plan") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    // Arrows always move; letters and digits can be switched off in Settings.
    const step = event.key.startsWith("Arrow") || mayAct(event) ? STEP[event.key] : 0;
    const button = row.querySelectorAll(".addr-button")[digitOf(event)];
    const next = step && this.besides(row, step)?.querySelector(".addr-button, a");
    if (!button && !next) return;
    event.preventDefault();
    if (button) button.click();
    else next.focus();
  };

  besides(row, step) {
    const rows = [...document.querySelectorAll(".addr-row[data-cursor]")];
    return rows[rows.indexOf(row) + step];
  }

  row(made, edge, index) {
    if (edge.gone) return nothing;
    const opened = this.asked?.cursor === edge.cursor;
    return html`<div role="row" aria-rowindex=${index + 1} data-cursor=${edge.cursor} class="row addr-row addr-row-${this.tab} ${opened ? "addr-opened" : ""}">
      ${made(edge)}${opened ? html`<div role="cell" class="addr-plan">${this.plan(edge)}</div>` : nothing}</div>`;
  }

  rows() {
    const { list, tab } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (![...list.rows()].some((edge) => !edge.gone)) return this.none();
    const made = ROWS[tab]({ app: this.app, choose: this.choose, readOnly: this.app.readOnly });
    return html`<div role="table" class="table addr-list" aria-label=${said.addresses.tabs[tab]} aria-rowcount="-1" @keydown=${this.onKey}>
        <div role="rowgroup" class="heads"><div role="row" class="row head addr-row addr-row-${tab}" aria-rowindex="1">${
          said.addresses.heads[tab].map((head) => html`<div role="columnheader">${head}</div>`)}</div></div>
        ${rowBlocks(list, (edge, index) => this.row(made, edge, index))}
      </div>${listEnd(list)}`;
  }

  none() {
    if (!this.search) return notice({ heading: said.addresses.none[this.tab], text: said.addresses.noneWhy[this.tab] });
    return notice({
      heading: said.addresses.noneFound, text: html`“<bdi>${this.search}</bdi>”`,
      action: html`<button type="button" class="button" @click=${() => this.app.query({ search: null })}>${said.addresses.clearSearch}</button>`,
    });
  }

  tabs() {
    return linkTabs({
      label: said.shell.views.addresses,
      tabs: TABS.map((tab) => {
        const there = { view: "addresses", path: [tab], query: {} };
        return { href: writeAddress(there), text: said.addresses.tabs[tab], count: this.counts[tab]?.value ?? null, current: tab === this.tab, follow: this.app.to(there) };
      }),
    });
  }

  newer() {
    const { list } = this;
    if (!list.waiting.length && !list.hasNewer) return nothing;
    const show = () => (list.hasNewer ? list.open() : (list.showWaiting(), this.app.changed()));
    return html`<div class="addr-newer"><button type="button" class="pill" @click=${show}>${said.addresses.newer(list.waiting.length)}</button></div>`;
  }

  view() {
    return html`<header class="heading list-heading"><h1>${said.shell.views.addresses}</h1>
        <form role="search" class="search" @submit=${(event) => event.preventDefault()}>${icons.search}
          <label for="search" class="unseen">${said.addresses.searchLabel}</label>
          <input id="search" type="search" placeholder=${said.addresses.searchLabel} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false" aria-keyshortcuts="/"
            .value=${this.typed} @input=${(event) => this.type(event.target.value)}><kbd aria-hidden="true">/</kbd></form></header>
      <div class="addr-tabs">${this.tabs()}
        <button type="button" class="button addr-export" @click=${() => this.export()}>${said.addresses.export}</button></div>
      ${this.exportFault ? html`<p class="fault" role="alert">${this.exportFault}</p>` : nothing}
      ${this.newer()}${this.rows()}`;
  }
}
