// The recipients of a campaign: whom each number counts, by outcome, cause and mailing, and what can be done about exactly those.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { filterChips } from "../filter-chips.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { infoOf, SheetDialog } from "../message/sheet-dialog.js";
import { failure, noneMatch, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd } from "../row-blocks.js";
import { words } from "../words.js";
import { number } from "../numbers.js";
import { counted, outcomeName } from "./figures.js";
import { mailingChips } from "./links.js";
import { launched, OUTCOMES, outcomesOf } from "./outcomes.js";
import { readExportUrl, readRecipients } from "./queries.js";
import { apiFilter, isRetryable, isUncertain, readFilter, statusOf, written } from "./recipient-filter.js";
import { recipientTable } from "./recipient-rows.js";

/** The causes that mail of a campaign can fail for. */
const CAUSES = [
  "BAD_ADDRESS", "BAD_DOMAIN", "MAILBOX_FULL", "INACTIVE", "POLICY", "SPAM", "AUTHENTICATION", "REPUTATION", "SIZE", "CONTENT", "GREYLISTED",
  "RATE_LIMITED", "RELAY_TROUBLE", "DESTINATION_TROUBLE", "OUR_CONFIGURATION", "UNSUPPORTED", "CONNECTION_LOST", "TIMEOUT", "RESTORED", "SUPPRESSED", "OPTED_OUT",
  "WRONG_RELAY", "DEADLINE", "BY_PERSON", "UNKNOWN",
];
const TYPING_MS = 200;
const MAX_SEARCH = 320;
/** What decides which recipients are listed. */
const FILTERS = ["status", "cause", "leftOut", "opened", "clicked", "mailing", "search"];

const keyOf = (query) => FILTERS.map((name) => query[name] ?? null).join("\n");

export class CampaignRecipients {
  constructor(page, app) {
    this.page = page;
    this.app = app;
    this.query = null;
    this.total = null;
    this.typed = "";
    /** Whether what is listed may have changed since it was read. */
    this.stale = false;
    this.exportFault = null;
    this.list = new PagedList(app.guard((window, options) => this.readPage(window, options)), () => app.changed());
    this.sheet = new SheetDialog(app, {
      rows: () => [...this.list.rows()].flatMap(({ node }) => node.message?.id ?? []),
      more: () => this.list.older(),
      reread: () => this.open(),
      home: () => document.getElementById("campaign-recipients"),
    });
  }

  get filter() {
    return readFilter(this.query ?? {}, CAUSES);
  }

  async readPage(window, options) {
    const { filter } = this;
    const found = await readRecipients(this.page.id, { filter: apiFilter(filter, this.page.campaign.mailings), search: filter.search, ...window }, options);
    if (window.after === null) this.total = found.totalCount;
    return found;
  }

  leave() {
    clearTimeout(this.typing);
    this.list.reset();
  }

  show(place) {
    const before = this.query && keyOf(this.query);
    this.query = place.query;
    if (this.typed.trim() !== this.filter.search) this.typed = this.filter.search;
    if (before !== keyOf(place.query) || this.list.state === "new") this.open();
    this.sheet.show(infoOf(place));
  }

  resume() {
    this.list.retry();
    this.sheet.resume();
  }

  async open() {
    [this.stale, this.total, this.exportFault] = [false, null, null];
    this.counts = this.signature;
    await this.list.open();
  }

  /** The counts on which depends who is listed: where they are others, the list may be another. */
  get signature() {
    const { progress } = this.page.campaign;
    const { opened, clicked } = this.filter;
    const names = [...OUTCOMES.map(({ name }) => name), "leftOut", ...(opened === null && clicked === null ? [] : ["opened", "clicked"])];
    return names.map((name) => progress[name]).join();
  }

  /** The campaign has changed: rows do not move by themselves. */
  changed() {
    if (this.counts && this.counts !== this.signature) this.stale = true;
    this.sheet.renew();
  }

  type(text) {
    this.typed = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.query({ search: text.trim() || null }, { replace: true }), TYPING_MS);
  }

  /** Fetches what is listed as a file. */
  async export() {
    const { filter } = this;
    this.exportFault = null;
    try {
      const url = await this.app.guard(readExportUrl)(this.page.id, apiFilter(filter, this.page.campaign.mailings), filter.search);
      if (!url) throw new Error(said.campaigns.tooLongToExport);
      window.location.assign(url);
    } catch (error) {
      this.exportFault = error.message || said.campaigns.notDone;
    }
    this.app.changed();
  }

  /** A chip for each outcome that somebody has: each is what a number of the overview counts. */
  outcomes() {
    const { progress, tracked } = this.page.campaign;
    const { filter } = this;
    const { mailing, search } = this.query ?? {};
    const keep = { ...(mailing && { mailing }), ...(search && { search }) };
    const of = filter.mailing === null ? progress : (this.page.campaign.mailings.find((each) => each.number === filter.mailing)?.progress ?? progress);
    const current = filter.statuses ? statusOf(filter.statuses) : filter.leftOut ? "leftOut" : filter.opened ? "opened" : filter.clicked ? "clicked" : "all";
    const has = (statuses) => current !== "launched" && Boolean(filter.statuses) && statuses.every((status) => filter.statuses.includes(status));
    const chip = (name, text, count, query, chosen = name === current) => {
      const { href, follow } = this.page.linkTo("recipients", { ...keep, ...query });
      return html`<a class="campaign-chip" href=${href} aria-current=${chosen ? "true" : nothing} @click=${follow}>${text} <span class="campaign-chip-count">${number(count)}</span></a>`;
    };
    return html`<nav class="campaign-chips" aria-label=${said.campaigns.byOutcome}>
      ${chip("all", said.campaigns.everybody, of.total, {})}
      ${of.leftOut ? chip("launched", said.campaigns.launched, launched(of), { status: "launched" }) : nothing}
      ${outcomesOf(of).map((each) => chip(statusOf(each.statuses), outcomeName(each), each.count, { status: statusOf(each.statuses) }, has(each.statuses)))}
      ${of.leftOut ? chip("leftOut", said.campaigns.audience.leftOut, of.leftOut, { leftOut: "all" }) : nothing}
      ${tracked ? html`${chip("opened", said.campaigns.heads.opened, of.opened, { opened: true })}${chip("clicked", said.campaigns.heads.clicked, of.clicked, { clicked: true })}` : nothing}</nav>`;
  }

  /** Cause, or reason of being left out, as a chip with a menu. */
  narrowing() {
    const { filter } = this;
    const { progress } = this.page.campaign;
    const chips = [];
    if (filter.leftOut) {
      chips.push({
        name: "leftOut", label: said.campaigns.reason, multiple: true, value: filter.leftOut.length > 5 ? null : written(filter.leftOut).split(","),
        shown: filter.leftOut.map((reason) => said.campaigns.leftOut[reason]).join(", "),
        options: progress.leftOutBy.map(({ reason, recipients }) => ({ value: reason.toLowerCase(), text: said.campaigns.leftOut[reason] ?? reason, count: recipients })),
      });
    } else {
      chips.push({
        name: "cause", label: said.campaigns.cause, multiple: true, value: filter.causes && written(filter.causes).split(","),
        shown: (filter.causes ?? []).map(words.cause).join(", "), options: CAUSES.map((cause) => ({ value: cause.toLowerCase(), text: words.cause(cause) })),
      });
    }
    const set = (name, value) => this.app.query({ [name]: value ? value.join(",") : name === "leftOut" ? "all" : null });
    return filterChips({ chips, set, clear: () => this.app.query({ cause: null, ...(filter.leftOut && { leftOut: "all" }) }) });
  }

  /** Retry or settle exactly those that are listed. */
  acts() {
    const { filter, total, page } = this;
    if (!total?.value || this.list.state !== "ready") return nothing;
    const { decisions, campaign } = page;
    const api = apiFilter(filter, campaign.mailings);
    const { buttons } = said.campaigns;
    if (isRetryable(filter) && decisions.can("RETRY")) {
      const given = { statuses: api.statuses, causes: api.causes, mailingIds: api.mailingIds, query: filter.mailing ? { mailing: String(filter.mailing) } : {} };
      return html`<button type="button" class="button" data-acts @click=${() => decisions.ask("retry", "recipients", given)}>${buttons.retryN(counted(total))}</button>`;
    }
    if (isUncertain(filter) && decisions.can("SETTLE")) {
      return html`<button type="button" class="button" data-acts @click=${() => decisions.ask("settle", "recipients", { count: Number(total.value), mailingIds: api.mailingIds })}>${buttons.settleN(counted(total))}</button>`;
    }
    return nothing;
  }

  toolbar() {
    return html`<div class="campaign-tools"><form role="search" class="search" @submit=${(event) => event.preventDefault()}>
        ${icons.search}<label for="search" class="unseen">${said.campaigns.searchRecipients}</label>
        <input id="search" type="search" placeholder=${said.campaigns.searchRecipients} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false"
          aria-keyshortcuts="/" .value=${this.typed} @input=${(event) => this.type(event.target.value)}></form>
      ${this.narrowing()}
      <span class="campaign-tools-end">${this.acts()}<button type="button" class="button" @click=${() => this.export()}>${said.campaigns.buttons.export}</button></span></div>`;
  }

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => this.open());
    if (list.state !== "ready") return skeleton();
    // A filter that no index serves reads its share of rows a page: an empty page may have a next one.
    if (!list.count && !list.hasOlder) return this.none();
    return html`<p class="campaign-found" role="status">${this.total ? said.campaigns.listed(counted(this.total), Number(this.total.value)) : nothing}
        ${this.stale ? html`<button type="button" class="link" @click=${() => this.open()}>${said.campaigns.changed}</button>` : nothing}</p>
      ${recipientTable(this)}${listEnd(list)}`;
  }

  none() {
    const some = FILTERS.some((name) => this.query?.[name] !== undefined);
    const { none } = said.campaigns;
    if (!some) return notice({ heading: none.recipients, text: said.campaigns.audience.notFrozen });
    return noneMatch(this.page.linkTo("recipients").follow);
  }

  view() {
    return html`${mailingChips(this.page, "recipients", withoutInfo(this.query), this.filter.mailing)}${this.outcomes()}${this.toolbar()}
      ${this.exportFault ? html`<p class="fault" role="alert">${this.exportFault}</p>` : nothing}
      ${this.page.decisions.asked?.at === "recipients" ? html`<div class="campaign-box campaign-plan">${this.page.decisions.planAt("recipients")}</div>` : nothing}
      <div id="campaign-recipients" tabindex="-1">${this.rows()}</div>`;
  }

  /** The customer's page of mail. */
  customerLink({ customer }) {
    const there = { view: "emails", customer: customer.id, tab: "sent" };
    return html`<a href=${writeAddress(there)} @click=${this.app.to(there)}><bdi>${customer.name ?? customer.externalRef}</bdi></a>`;
  }

  drawn(root) {
    this.sheet.drawn(root);
  }
}

function withoutInfo(query) {
  const { info: _, at: __, ...rest } = query ?? {};
  return rest;
}
