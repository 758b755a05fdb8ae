// All customers, with a search by name, address or CRM reference and keyboard navigation.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { readCustomers } from "./queries.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { number } from "../numbers.js";
import { failure, notice, skeleton } from "../notices.js";
import { outcomeLine } from "../outcome-line.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";
import { statusIcon } from "../status-icon.js";

/** Pause in typing after which the search runs. */
const TYPING_MS = 200;
/** Three letters or digits in a row, from which the API finds parts of names, references and addresses; less finds whole words. */
const FINDS_PARTS = /(?:(?![\u0300-\u036f])[\p{L}\p{M}\p{Nd}\p{Nl}]){3}/u;
/** Characters of a search at most. */
const MAX_SEARCH = 320;

/** A search that the API refuses has no result. */
function emptyIfRefused(error) {
  if (error.argument !== "search") throw error;
  return { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
}

const noneFound = (search) => notice({
  heading: said.customerList.noneFound,
  text: FINDS_PARTS.test(search.normalize("NFC")) ? said.customerList.noPart(html`<bdi>${search}</bdi>`) : said.customerList.noWord(html`<bdi>${search}</bdi>`),
});

/** An address that breaks before its domain rather than within it. */
function inTwo(address) {
  const at = address.lastIndexOf("@") + 1;
  return html`${address.slice(0, at)}<wbr>${address.slice(at)}`;
}

const badge = (count, color, icon, text) =>
  count ? html`<span class="badge ${color}" title=${said.customerList.ofNewest}>${icon}${text(number(count))}</span>` : nothing;

export class CustomerList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    const read = app.guard((page, options) =>
      readCustomers({ search: this.place.search.slice(0, MAX_SEARCH), attention: this.place.attention, ...page }, options).catch(emptyIfRefused));
    this.list = new PagedList(read, () => app.changed());
    this.typed = place.search;
    /** `open` or `focus`: what to do with the first customer once the search has its result; null for nothing. */
    this.pendingKey = null;
    /** The customer opened from this list, to which Back returns. */
    this.left = app.left?.search === place.search && app.left?.attention === place.attention ? app.left : null;
    this.list.open(this.left?.cursor);
  }

  get title() {
    return said.shell.views.customers;
  }

  shows(place) {
    return place.view === "customers";
  }

  leave() {
    clearTimeout(this.typing);
    this.list.reset();
  }

  arrive(place) {
    const searched = place.search !== this.place.search || Boolean(place.attention) !== Boolean(this.place.attention);
    this.place = place;
    if (!searched) return;
    // A trailing space, typed before a second word, is kept.
    if (this.typed.trim() !== place.search) this.typed = place.search;
    this.left = null;
    this.find();
  }

  resume() {
    this.list.retry();
    this.list.refresh({ hold: false }).catch(() => {});
  }

  async find() {
    await this.list.open();
    if (this.list.state !== "ready") return;
    const { count, hasOlder } = this.list;
    this.app.announce(count ? said.customerList.found(number(count), { first: hasOlder, one: count === 1 }) : said.customerList.noneFound);
  }

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
    if (search !== this.place.search) this.app.go({ search }, { replace: true });
  }

  searchKey(event) {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    const wanted = { ArrowDown: "focus", Enter: "open" }[event.key];
    if (wanted) {
      event.preventDefault();
      this.pendingKey = wanted;
      this.search();
      this.runPendingKey();
    } else if (event.key === "Escape" && this.typed) {
      this.type("");
    }
  }

  /** Runs the pending key once the list shows the result of the typed search. */
  runPendingKey() {
    if (!this.pendingKey || this.list.state !== "ready" || this.typed.trim() !== this.place.search) return;
    const first = document.querySelector("#customers .customer");
    if (this.pendingKey === "focus") first?.focus();
    else first?.click();
    this.pendingKey = null;
  }

  listKey = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const rows = [...document.querySelectorAll("#customers .customer")];
    const here = rows.indexOf(event.target.closest(".customer"));
    if (here < 0) return;
    event.preventDefault();
    (rows[here + step] ?? (step < 0 ? document.getElementById("search") : null))?.focus();
  };

  drawn(root) {
    watchBlocks(root);
    if (this.list.state !== "ready") return;
    this.restore();
    this.runPendingKey();
  }

  /** Restores scroll position and focus of the customer that was opened. */
  restore() {
    const row = this.left && document.querySelector(`#customers [data-cursor="${this.left.cursor}"]`);
    if (row) {
      window.scrollBy(0, row.getBoundingClientRect().top - this.left.top);
      row.focus({ preventScroll: true });
    }
    this.left = null;
  }

  open(event, place, cursor) {
    const { top } = event.currentTarget.getBoundingClientRect();
    this.app.follow(event, place, { search: this.place.search, attention: this.place.attention, cursor, top });
  }

  row = ({ node, cursor }) => {
    const latest = node.latestEmail;
    const address = node.addresses.find((each) => each.primary) ?? node.addresses[0];
    const place = { view: "emails", customer: node.id };
    return html`<a class="customer" data-cursor=${cursor} href=${writeAddress(place)}
      @click=${(event) => this.open(event, place, cursor)}>
      <span class="who"><span class="name"><bdi>${node.name ?? node.externalRef}</bdi></span>
        <span class="whose">${node.name ? html`<span class="ref">${node.externalRef}</span>` : nothing}${address ? html` <bdi>${inTwo(address.address)}</bdi>` : nothing}</span></span>
      <span class="latest">${latest
        ? html`${statusIcon(latest.info)}<span class="latest-words"><span class="latest-title"><bdi>${latest.title ?? html`<i class="erased">${said.words.subjectErased}</i>`}</bdi></span>${outcomeLine(latest.info)}</span>`
        : html`<span class="not">${said.customerList.noMail}</span>`}</span>
      <span class="when">${latest ? moment(latest.occurredAt) : nothing}</span>
      <span class="failed">${badge(node.failedEmails, "red", icons.failed, said.customerList.notSent)}${
        badge(node.uncertainEmails, "amber", icons.uncertain, said.customerList.uncertain)}</span>
    </a>`;
  };

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return this.none();
    return html`${list.hasNewer ? html`<p class="list-end"><button type="button" class="link" @click=${() => list.open()}>${said.customerList.newerAbove}</button></p>` : nothing}
      <div id="customers" class="customers" role="group" aria-label=${said.shell.views.customers} @keydown=${this.listKey}>${
      rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }

  none() {
    const { search, attention } = this.place;
    if (!attention) return search ? noneFound(search) : notice(said.customerList.none);
    const action = html`<button type="button" class="button" @click=${() => this.app.go({ attention: false })}>${said.emails.allCustomers}</button>`;
    return notice({ ...said.customerList.nothingWaits, ...(search && { heading: said.customerList.noSuch }), action });
  }

  view() {
    const { attention } = this.place;
    return html`<header class="heading list-heading"><h1>${said.shell.views.customers}</h1>
      <form role="search" class="search" @submit=${(event) => event.preventDefault()}>
        ${icons.search}<label for="search" class="unseen">${said.customerList.search}</label>
        <input id="search" type="search" placeholder=${said.customerList.placeholder} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false"
          aria-describedby="search-hint" aria-keyshortcuts="/" .value=${this.typed} autofocus
          @input=${(event) => this.type(event.target.value)} @keydown=${(event) => this.searchKey(event)}
          @blur=${() => { this.pendingKey = null; }}>
        <kbd aria-hidden="true">/</kbd></form>
      <button type="button" class="toggle" aria-pressed=${attention ? "true" : "false"} title=${said.customerList.attentionWhy}
        @click=${() => this.app.go({ attention: !attention })}>${attention ? icons.check : nothing}${said.customerList.attention}</button>
      <p id="search-hint" class="hint">${said.customerList.hint(html`<kbd>/</kbd>`, html`<kbd>↑</kbd> <kbd>↓</kbd>`, html`<kbd>Enter</kbd>`)}</p></header>
      ${this.rows()}`;
  }
}
