// All customers, searched by name, address or CRM reference; made for the keyboard.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { writeAddress } from "./address.js";
import { readCustomers } from "./graphql.js";
import { icons } from "./icons.js";
import { moment } from "./moments.js";
import { failure, notice, skeleton } from "./notices.js";
import { outcomeLine } from "./outcome-line.js";
import { PagedList } from "./paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "./row-blocks.js";
import { statusIcon } from "./status-icon.js";
import { counted } from "./words.js";

/** Pause in typing after which is searched. */
const TYPING_MS = 200;
/** The API searches for three letters or digits in a row, or more. */
const SEARCHABLE = /[\p{L}\p{N}]{3}/u;
/** Characters it searches for at most. */
const LONGEST = 320;

/** What is asked for of an address that somebody has typed: what cannot be searched for finds everybody. */
const searchOf = (text) => (SEARCHABLE.test(text) ? text.slice(0, LONGEST) : "");

export class CustomerList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.title = "Customers";
    const read = app.guard((page, options) => readCustomers({ search: searchOf(this.place.search), ...page }, options));
    this.list = new PagedList(read, () => app.changed());
    this.typed = place.search;
    this.onKey = (event) => this.shortcut(event);
    document.addEventListener("keydown", this.onKey);
    this.list.open();
  }

  shows(place) {
    return place.view === "customers";
  }

  leave() {
    clearTimeout(this.typing);
    document.removeEventListener("keydown", this.onKey);
    this.list.reset();
  }

  arrive(place) {
    const searched = place.search !== this.place.search;
    this.place = place;
    if (!searched) return;
    this.typed = place.search;
    this.find();
  }

  resume() {
    this.list.forgive();
    this.list.refresh({ hold: false }).catch(() => {});
  }

  async find() {
    await this.list.open();
    if (this.list.state !== "ready") return;
    const more = this.list.hasOlder ? "The first " : "";
    this.app.announce(this.list.count ? `${more}${counted(this.list.count, "customer")}` : "No customer found");
  }

  /** `/` goes to the search wherever one is. */
  shortcut(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, dialog")) return;
    event.preventDefault();
    const search = document.getElementById("search");
    search.focus();
    search.select();
  }

  type(text) {
    this.typed = text;
    this.app.changed();
    clearTimeout(this.typing);
    const wanted = text.trim();
    if (wanted && !SEARCHABLE.test(wanted)) return;
    this.typing = setTimeout(() => this.app.go({ search: wanted }, { replace: true }), TYPING_MS);
  }

  searchKey(event) {
    const first = document.querySelector("#customers .customer");
    if (event.key === "ArrowDown") {
      event.preventDefault();
      first?.focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.list.state === "ready" && this.typed.trim() === this.place.search) first?.click();
    } else if (event.key === "Escape" && this.typed) {
      this.type("");
    }
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
  }

  row = ({ node, cursor }) => {
    const latest = node.latestEmail;
    const address = node.addresses.find((each) => each.primary) ?? node.addresses[0];
    const place = { view: "emails", customer: node.id };
    return html`<a class="customer" data-cursor=${cursor} href=${writeAddress(place)}
      @click=${(event) => this.app.follow(event, place)}>
      <span class="who"><span class="name"><bdi>${node.name ?? node.externalRef}</bdi></span>
        <span class="whose">${node.name ? html`<span class="ref">${node.externalRef}</span>` : nothing}${address ? html` <bdi>${address.address}</bdi>` : nothing}</span></span>
      <span class="latest">${latest
        ? html`${statusIcon(latest.info)}<span class="latest-words"><span class="latest-title"><bdi>${latest.title ?? html`<i class="erased">subject erased</i>`}</bdi></span>${outcomeLine(latest.info)}</span>`
        : html`<span class="not">No mail yet</span>`}</span>
      <span class="when">${latest ? moment(latest.occurredAt) : nothing}</span>
      <span class="failed">${node.failedEmails
        ? html`<span class="badge red" title="Of the newest 50 mails">${icons.failed}${node.failedEmails} not sent</span>` : nothing}</span>
    </a>`;
  };

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) {
      return this.place.search
        ? notice({ heading: "No customer found", text: html`Nobody's name, address or reference contains “<bdi>${this.place.search}</bdi>”.` })
        : notice({ heading: "No customers yet", text: "They appear here as soon as a system has told the API about them." });
    }
    return html`<div id="customers" class="customers" role="group" aria-label="Customers" @keydown=${this.listKey}>${
      rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }

  view() {
    const short = this.typed.trim() && !SEARCHABLE.test(this.typed.trim());
    return html`<header class="heading list-heading"><h1>Customers</h1>
      <form role="search" class="search" @submit=${(event) => event.preventDefault()}>
        ${icons.search}<label for="search" class="unseen">Search by name, address or reference</label>
        <input id="search" type="search" placeholder="Name, address or reference" maxlength=${LONGEST} autocomplete="off" spellcheck="false"
          aria-describedby="search-hint" aria-keyshortcuts="/" .value=${this.typed} autofocus
          @input=${(event) => this.type(event.target.value)} @keydown=${(event) => this.searchKey(event)}>
        <kbd aria-hidden="true">/</kbd></form>
      <p id="search-hint" class="hint">${short ? "Three letters or digits in a row, at least." : html`<kbd>/</kbd> searches, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> opens.`}</p></header>
      ${this.rows()}`;
  }
}
