// All campaigns by where they are in their life, each with how far it is.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { drawnTabs, linkTabs } from "../link-tabs.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";
import { icons } from "../icons.js";
import { number } from "../numbers.js";
import { doneOf, progressBar, stateBadge } from "./figures.js";
import { hasBegun, nextDue } from "./outcomes.js";
import { readCampaigns, readTabCounts } from "./queries.js";
import { rowKeys } from "./row-keys.js";

/** Between two looks while the page is visible. */
const POLL_MS = 5_000;
const TYPING_MS = 200;
/** Characters of a search at most. */
const MAX_SEARCH = 320;
/** After a pointer moved over the rows, they must not move for this time: a click may follow. */
const POINTED_MS = 3_000;
const TABS = {
  running: { statuses: ["RUNNING", "PAUSED"] },
  drafts: { statuses: ["DRAFT"] },
  scheduled: { statuses: ["SCHEDULED"] },
  finished: { statuses: ["FINISHED", "CANCELLED"] },
  archived: { archived: true },
};

const onKey = rowKeys(".campaign-title a");

const placeOf = (campaign) => ({ view: "campaigns", path: campaign.status === "DRAFT" ? [campaign.id, "edit"] : [campaign.id], query: {} });
export const NEW = { view: "campaigns", path: ["new"], query: {} };

/** The tab of a place: `?archived` and `?state=`. */
export function tabOf({ query }) {
  if ("archived" in query) return "archived";
  return Object.hasOwn(TABS, query.state ?? "") ? query.state : "running";
}

const tabQuery = (tab) => (tab === "archived" ? { archived: true } : tab === "running" ? {} : { state: tab });

export class CampaignList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.typed = place.query.search ?? "";
    this.counts = {};
    this.moved = false;
    this.pointedAt = -Infinity;
    this.read = app.guard((page, options) => readCampaigns({ filter: TABS[tabOf(this.place)], search: this.search, ...page }, options));
    this.readCounts = app.guard(() => readTabCounts(TABS));
    this.list = new PagedList(this.read, () => app.changed());
    this.poll = setInterval(() => this.look(), POLL_MS);
    this.onVisible = () => this.look();
    document.addEventListener("visibilitychange", this.onVisible);
    this.open();
  }

  get title() {
    return said.shell.views.campaigns;
  }

  get search() {
    return (this.place.query.search ?? "").trim().slice(0, MAX_SEARCH);
  }

  shows(place) {
    return place.view === "campaigns" && !place.path.length;
  }

  leave() {
    clearInterval(this.poll);
    clearTimeout(this.typing);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.list.reset();
  }

  arrive(place) {
    const before = [tabOf(this.place), this.search];
    this.place = place;
    if (this.typed.trim() !== this.search) this.typed = this.search;
    if (before.join("\n") !== [tabOf(place), this.search].join("\n")) this.open();
  }

  resume() {
    this.list.retry();
    this.look();
  }

  async open() {
    this.moved = false;
    this.count();
    await this.list.open();
    if (this.list.state === "ready" && this.search) this.app.announce(said.campaigns.found(number(this.list.count)));
  }

  async count() {
    try {
      this.counts = await this.readCounts();
    } catch {
      // The tabs then have no numbers; the list says what is wrong.
    }
    this.app.changed();
  }

  /** Reads what is shown again: in place, or, where other campaigns belong there now, when nobody is about to press a row. */
  async look() {
    const { list } = this;
    if (document.hidden || this.app.offline || list.state !== "ready") return;
    try {
      this.count();
      const found = await this.read({ first: 50, after: null }, { signal: list.stop?.signal });
      if (list.state !== "ready") return;
      const shown = [...list.rows()].slice(0, found.edges.length).map(({ cursor }) => cursor);
      const same = shown.join() === found.edges.map(({ cursor }) => cursor).join() && (list.count <= found.edges.length || found.pageInfo.hasNextPage);
      list.renew(found.edges);
      this.moved = !same;
      if (!same && !this.isReading && window.scrollY < 40) this.swap(found);
    } catch {
      // `app.guard` has handled it; what was shown stays.
    }
    this.app.changed();
  }

  /** Shows the first page as it is now, without a moment of emptiness. */
  swap(found) {
    this.list.reset();
    this.list.take(found);
    this.list.state = "ready";
    this.list.stop = new AbortController();
    this.moved = false;
  }

  get isReading() {
    const rows = document.getElementById("campaigns");
    return performance.now() - this.pointedAt < POINTED_MS || Boolean(rows?.contains(document.activeElement));
  }

  type(text) {
    this.typed = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.query({ search: text.trim() || null }, { replace: true }), TYPING_MS);
  }

  actions() {
    return this.app.readOnly ? [] : [{ name: said.campaigns.newCampaign, run: () => this.app.go(NEW) }];
  }

  tabs() {
    const current = tabOf(this.place);
    return linkTabs({
      label: said.campaigns.byState,
      tabs: Object.keys(TABS).map((tab) => {
        const there = { view: "campaigns", path: [], query: { ...tabQuery(tab), ...(this.search && { search: this.search }) } };
        return { href: writeAddress(there), text: said.campaigns.tabs[tab], count: this.search ? null : this.counts[tab], current: tab === current, follow: this.app.to(there) };
      }),
    });
  }

  row = ({ node, cursor }, index) => {
    const to = placeOf(node);
    const { progress } = node;
    const begun = hasBegun(node);
    const people = (value) => (begun ? (node.tracked ? number(value) : html`<span class="not">${said.campaigns.notTracked}</span>`) : html`<span class="not" aria-hidden="true">–</span>`);
    return html`<div role="row" class="campaign-row" aria-rowindex=${index + 1} data-cursor=${cursor}>
      <div role="cell" class="campaign-title"><a href=${writeAddress(to)} @click=${this.app.to(to)}><bdi>${node.title}</bdi></a> ${stateBadge(node.status)}</div>
      <div role="cell" class="campaign-far">${begun ? html`${progressBar(progress, { slim: true })}<span>${doneOf(progress)}</span>` : html`<span class="not">${said.campaigns.notBegun}</span>`}</div>
      <div role="cell" class="campaign-n" data-label=${said.campaigns.heads.accepted}>${begun ? number(progress.accepted) : html`<span class="not" aria-hidden="true">–</span>`}</div>
      <div role="cell" class="campaign-n" data-label=${said.campaigns.heads.opened}>${people(progress.opened)}</div>
      <div role="cell" class="campaign-n" data-label=${said.campaigns.heads.clicked}>${people(progress.clicked)}</div>
      <div role="cell" class="campaign-when">${timeOf(node)}</div>
      <div role="cell" class="campaign-n" data-label=${said.campaigns.heads.priority}>${node.priority}</div>
    </div>`;
  };

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => this.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return this.none();
    const { heads } = said.campaigns;
    return html`${this.moved ? html`<p class="list-end"><button type="button" class="link" @click=${() => this.open()}>${said.campaigns.changed}</button></p>` : nothing}
      <div id="campaigns" role="table" class="campaign-table" aria-label=${said.shell.views.campaigns} aria-rowcount="-1" @keydown=${onKey} @pointermove=${() => { this.pointedAt = performance.now(); }}>
      <div role="rowgroup" class="campaign-heads"><div role="row" class="campaign-row head" aria-rowindex="1">
        ${["title", "progress", "accepted", "opened", "clicked", "time", "priority"].map((name) => html`<div role="columnheader" class=${/accepted|opened|clicked|priority/.test(name) ? "campaign-n" : ""}>${heads[name]}</div>`)}</div></div>
      ${rowBlocks(list, this.row)}</div>${listEnd(list)}`;
  }

  none() {
    const words = said.campaigns.none;
    if (this.search) {
      return notice({ heading: words.found, text: html`${words.foundWhy} “<bdi>${this.search}</bdi>”.`,
        action: html`<button type="button" class="button" @click=${() => this.app.query({ search: null })}>${said.campaigns.clearSearch}</button>` });
    }
    const tab = tabOf(this.place);
    const some = Object.values(this.counts).some((count) => count > 0);
    if (some) return notice({ heading: words[tab], text: words.elsewhere });
    return notice({ heading: words.any, text: words.anyWhy, action: this.newButton("button primary") });
  }

  newButton(style) {
    return this.app.readOnly ? nothing : html`<a class=${style} href=${writeAddress(NEW)} @click=${this.app.to(NEW)}>${said.campaigns.newCampaign}</a>`;
  }

  view() {
    return html`<header class="heading campaign-list-head"><h1>${this.title}</h1>
      <form role="search" class="search" @submit=${(event) => event.preventDefault()}>
        ${icons.search}<label for="search" class="unseen">${said.campaigns.search}</label>
        <input id="search" type="search" placeholder=${said.campaigns.search} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false"
          aria-keyshortcuts="/" .value=${this.typed} @input=${(event) => this.type(event.target.value)}></form>
      ${this.newButton("button primary")}</header>
      ${this.tabs()}${this.rows()}`;
  }

  drawn(root) {
    drawnTabs(root);
    watchBlocks(root);
  }
}

/** When it starts, goes on to, or ended. */
function timeOf(node) {
  const { times } = said.campaigns;
  const due = nextDue(node);
  if (node.finishedAt) return html`${node.status === "CANCELLED" ? times.cancelled : times.finished} ${moment(node.finishedAt)}`;
  if (node.status === "SCHEDULED" && due) return html`${times.starts} ${moment(due)}`;
  if (node.progress.estimatedEndAt) return html`${times.ends} ${moment(node.progress.estimatedEndAt)}`;
  if (node.launchedAt) return html`${times.launched} ${moment(node.launchedAt)}`;
  return nothing;
}
