// The command palette (Ctrl K): a combobox over a list of views, actions, customers, messages and campaigns.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { writeAddress } from "./address.js";
import { fetchData } from "./graphql.js";
import { icons } from "./icons.js";
import { said, withWords } from "./language.js";
import { momentText } from "./moments.js";
import { placeOf } from "./navigation.js";
import { preference, setPreference } from "./preferences.js";
import { viewIcons } from "./view-icons.js";
import { VIEWS } from "./views.js";
import { words } from "./words.js";

/** Pause in typing after which the API is asked. */
const TYPING_MS = 150;
/** Letters from which the API is asked. */
const FROM = 2;
/** Characters of a search at most. */
const LONGEST = 320;
/** Results of each kind: what fits on a screen with the others. */
const FIRST = 5;

const SEARCHES = {
  customers: `query PaletteCustomers($search: String!, $first: Int!) {
    customers(search: $search, first: $first) { edges { node { id externalRef name addresses { address primary } } } } }`,
  messages: `query PaletteMessages($search: String!, $first: Int!) {
    messages(search: $search, first: $first) { edges { node { id subject occurredAt info { status } customer { name externalRef } } } } }`,
  campaigns: `query PaletteCampaigns($search: String!, $first: Int!) {
    campaigns(search: $search, first: $first) { edges { node { id title } } } }`,
};

/** "Zürich" -> "zurich". */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether each typed word begins a word of the name. */
export function matches(typed, name) {
  const parts = plain(name).split(/[^\p{L}\p{N}]+/u);
  return plain(typed).split(/\s+/).filter(Boolean).every((word) => parts.some((part) => part.startsWith(word)));
}

const ITEMS = {
  customers({ id, externalRef, name, addresses }) {
    const address = addresses.find((each) => each.primary) ?? addresses[0];
    return { name: name ?? externalRef, about: [name && externalRef, address?.address].filter(Boolean).join(" · "), place: { view: "emails", customer: id } };
  },
  messages: ({ id, subject, occurredAt, info, customer }) => ({
    name: subject ?? said.shell.palette.subjectErased,
    about: [customer?.name ?? customer?.externalRef, words.statusShort(info.status), momentText(occurredAt)].filter(Boolean).join(" · "),
    place: { view: "messages", path: [id], query: {} },
  }),
  campaigns: ({ id, title }) => ({ name: title, about: "", place: { view: "campaigns", path: [id], query: {} } }),
};

export class Palette {
  name = "palette";

  constructor(app, close) {
    this.app = app;
    this.close = close;
    /** Lists of messages that were saved, once they are read. */
    this.searches = [];
    this.reading = Object.fromEntries(Object.entries(SEARCHES).map(([kind, document]) =>
      [kind, app.guard(async (search, options) => (await fetchData(document, { search, first: FIRST }, options))[kind])]));
    this.clear();
  }

  get label() {
    return said.shell.jump;
  }

  clear() {
    clearTimeout(this.typing);
    this.abort?.abort();
    this.typed = "";
    this.at = 0;
    this.found = {};
    this.asking = false;
    this.partly = false;
  }

  opened() {
    this.clear();
    this.readSearches();
  }

  /** Read each time: another tab may have saved one. Their module comes with the first opening. */
  async readSearches() {
    const { savedSearches } = await withWords(import("./messages/saved-searches.js"), "messages");
    this.searches = savedSearches({}).map(({ name, query }) => ({ name, place: { view: "messages", path: [], query } }));
    this.app.changed();
  }

  closed() {
    this.clear();
  }

  focus(dialog) {
    dialog.querySelector("input").focus();
  }

  type(text) {
    this.typed = text;
    this.at = 0;
    clearTimeout(this.typing);
    this.abort?.abort();
    const search = text.trim();
    this.asking = search.length >= FROM;
    if (this.asking) this.typing = setTimeout(() => this.ask(search), TYPING_MS);
    else this.found = {};
    this.app.changed();
  }

  /** Asks for all kinds at once: one that fails leaves the others. */
  async ask(search) {
    this.abort = new AbortController();
    const { signal } = this.abort;
    const kinds = Object.keys(SEARCHES);
    const answers = await Promise.allSettled(kinds.map((kind) => this.reading[kind](search, { signal })));
    if (signal.aborted) return;
    this.found = Object.fromEntries(kinds.map((kind, number) => [kind, (answers[number].value?.edges ?? []).map(({ node }) => ITEMS[kind](node))]));
    // What the API refuses to search for is not found.
    this.partly = answers.some(({ value, reason }) => (reason ? reason.argument !== "search" : !value));
    this.asking = false;
    this.at = Math.min(this.at, Math.max(0, this.items().length - 1));
    this.app.announce(said.shell.palette.found(this.items().length));
    this.app.changed();
  }

  /** The groups with their items, as far as they have some. */
  groups() {
    const search = this.typed.trim();
    const fits = ({ name }) => matches(search, name);
    const views = Object.keys(VIEWS).map((view) => ({ name: said.shell.views[view], icon: viewIcons[view], place: placeOf(view), keys: `G ${VIEWS[view].key.toUpperCase()}` }));
    const actions = (this.app.shown?.actions?.() ?? []).map(({ name, keys, run }) => ({ name, keys, run }));
    const groups = [
      ["views", views.filter(fits)], ["actions", actions.filter(fits)], ["searches", this.searches.filter(fits)], ["everywhere", search ? this.everywhere().filter(fits) : []],
      ...Object.keys(SEARCHES).map((kind) => [kind, [...(this.found[kind] ?? []), ...this.whole(kind, search)]]),
    ];
    return groups.filter(([, items]) => items.length);
  }

  /** The link to all that the view of a kind finds. */
  whole(kind, search) {
    if (!this.found[kind]?.length) return [];
    if (kind === "customers") return [{ name: said.shell.palette.allCustomers(search), place: { view: "customers", search }, whole: true }];
    return kind === "messages" ? [{ name: said.shell.palette.allMessages(search), place: { view: "messages", path: [], query: { search } }, whole: true }] : [];
  }

  everywhere() {
    const text = said.shell.palette;
    const dark = preference("theme") === "dark";
    return [
      { name: text.showKeys, keys: "?", run: () => this.app.openOverlay("help") },
      { name: dark ? text.light : text.dark, run: () => setPreference("theme", dark ? "light" : "dark") },
      { name: said.shell.signOut, run: () => this.app.signOut() },
    ];
  }

  items() {
    return this.groups().flatMap(([, items]) => items);
  }

  onKey = (event) => {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    const items = this.items();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      this.at = (this.at + step + items.length) % items.length;
      this.moved = true;
      this.app.changed();
    } else if (event.key === "Enter") {
      if (items[this.at]) this.take(items[this.at], event);
    } else {
      return;
    }
    event.preventDefault();
  };

  /** Goes to an item's place, with Ctrl in a new tab, or runs its action. */
  take(item, event) {
    if (item.place && (event.ctrlKey || event.metaKey)) {
      window.open(writeAddress(item.place), "_blank", "noopener");
      return;
    }
    this.close();
    if (item.place) this.app.visit(item.place);
    else item.run();
  }

  drawn(dialog) {
    if (this.moved) dialog.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
    this.moved = false;
  }

  option(item, number) {
    const pick = (event) => {
      // The browser opens a link with a modifier itself.
      if (item.place && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
      event.preventDefault();
      this.take(item, event);
    };
    const body = html`${item.icon ?? (item.whole ? icons.search : nothing)}<span class="palette-name"><bdi>${item.name}</bdi></span>
      ${item.about ? html`<span class="palette-about">${item.about}</span>` : nothing}${item.keys ? html`<span class="palette-keys">${item.keys}</span>` : nothing}`;
    const selected = number === this.at ? "true" : "false";
    return item.place
      ? html`<a role="option" id="palette-${number}" class="palette-option" tabindex="-1" aria-selected=${selected} href=${writeAddress(item.place)} @click=${pick}>${body}</a>`
      : html`<div role="option" id="palette-${number}" class="palette-option" aria-selected=${selected} @click=${pick}>${body}</div>`;
  }

  list() {
    let number = 0;
    const groups = this.groups();
    return html`<div id="palette-list" class="palette-list" role="listbox" aria-label=${said.shell.palette.results}>${groups.map(([group, items]) => html`<div
      role="group" aria-labelledby="palette-group-${group}"><h3 id="palette-group-${group}" role="presentation">${said.shell.palette[group]}</h3>${items.map((item) => this.option(item, number++))}</div>`)}</div>`;
  }

  view() {
    const text = said.shell.palette;
    const items = this.items();
    const state = this.asking ? text.asking : items.length ? (this.partly ? text.partly : null) : text.none;
    return html`<div class="palette-field">${icons.search}<input type="text" role="combobox" aria-expanded=${items.length ? "true" : "false"} aria-controls=${items.length ? "palette-list" : nothing}
        aria-autocomplete="list" aria-activedescendant=${items.length ? `palette-${this.at}` : nothing} aria-label=${text.field} placeholder=${text.field} maxlength=${LONGEST}
        autocomplete="off" autocapitalize="none" spellcheck="false" .value=${this.typed} @input=${(event) => this.type(event.target.value)} @keydown=${this.onKey}></div>
      ${items.length ? this.list() : nothing}
      <p class="palette-hint">${state ?? text.hint(html`<kbd>Enter</kbd>`, html`<kbd>${said.shell.keys.control} Enter</kbd>`)}</p>`;
  }
}
