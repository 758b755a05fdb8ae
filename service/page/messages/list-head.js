// Above the rows: heading, saved searches, the search, the chips, and how many are found and chosen.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { hasMore, messageChips } from "./chips.js";
import { exportMenu } from "./export-menu.js";
import { isFiltered, MAX_SEARCH } from "./filter.js";
import { filterChips } from "../filter-chips.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { distance } from "../moments.js";
import { forgetSearch, MAX_NAME, savedSearches, saveSearch } from "./saved-searches.js";

/** The form that names a search; it is a popover of the browser's. */
function saveMenu(view) {
  const submit = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    if (!name) return;
    view.app.announce(saveSearch(name, view.place.query) ? said.messages.saved(name) : said.messages.notSaved);
    event.target.reset();
    document.getElementById("save-search").hidePopover();
    view.app.changed();
  };
  return html`<button type="button" class="button" id="save-search-open" popovertarget="save-search" ?disabled=${!isFiltered(view.place.query)}
      title=${isFiltered(view.place.query) ? said.messages.saveTitle : said.messages.saveDisabled}>${said.messages.save}</button>
    <div popover id="save-search" class="chip-menu msg-menu" role="dialog" aria-label=${said.messages.save} @toggle=${(event) => event.newState === "open" && event.target.querySelector("input").focus()}>
      <form class="chip-form" @submit=${submit}><label>${said.messages.searchName}<input name="name" type="text" maxlength=${MAX_NAME} required autocomplete="off"></label>
        <button type="submit" class="button primary">${said.messages.saveNow}</button></form></div>`;
}

function searches(view) {
  const all = savedSearches(view.place.query);
  const follow = (event, place) => {
    view.search.typed = place.query.search ?? "";
    view.app.follow(event, place);
  };
  const forget = (name) => {
    forgetSearch(name);
    view.app.announce(said.messages.forgotten(name));
    view.app.changed();
  };
  return html`<ul class="msg-searches" aria-label=${said.messages.savedSearches}>${all.map(({ name, query, own, current }) => {
    const place = { view: "messages", path: [], query };
    return html`<li><a href=${writeAddress(place)} aria-current=${current ? "true" : "false"} @click=${(event) => follow(event, place)}><bdi>${name}</bdi></a>${
      own ? html`<button type="button" class="filter-drop" aria-label=${said.messages.forget(name)} title=${said.messages.forget(name)} @click=${() => forget(name)}>${icons.close}</button>` : nothing}</li>`;
  })}</ul>`;
}

function searchField({ search }) {
  return html`<form role="search" class="search" @submit=${(event) => event.preventDefault()}>
    ${icons.search}<label for="search" class="unseen">${said.messages.searchLabel}</label>
    <input id="search" type="search" placeholder=${said.messages.searchPlaceholder} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false" aria-keyshortcuts="/"
      .value=${search.typed} @input=${(event) => search.type(event.target.value)} @keydown=${search.onKey} @blur=${() => { search.pendingKey = null; }}>
    <kbd aria-hidden="true">/</kbd></form>`;
}

/** "50 chosen. Choose all 312", "All 312 are chosen. Only the 50 loaded". */
function chosen({ choices, total, app, list }) {
  const { choosing } = choices;
  if (!choices.size || app.readOnly) return nothing;
  const button = (text, act) => html` <button type="button" class="link" @click=${act}>${text}</button>`;
  if (choosing.everything !== null) {
    return html`<span>${said.messages.allChosen(choosing.everything)}${button(said.messages.onlyLoaded(Math.min(list.count, choosing.max)), choices.onlyLoaded)}</span>`;
  }
  return html`<span>${said.shared.chosen(choices.size)}.${choices.canChooseAll ? button(said.messages.chooseEverything(total.value), choices.everything) : nothing}${
    choices.tooMany ? html` ${said.messages.tooMany}` : nothing}</span>`;
}

/** The chips, and what shows the rare ones. */
function chips({ search, place }) {
  const given = messageChips(place.query, { loaded: search.loaded, load: search.load, setDate: search.set, all: search.moreChips });
  const more = hasMore(place.query) || search.moreChips
    ? html`<button type="button" class="filter filter-more" aria-expanded=${search.moreChips ? "true" : "false"} @click=${search.showMore}><span class="plus" aria-hidden="true">${
      search.moreChips ? "−" : "+"}</span>${said.messages.moreChips}</button>` : nothing;
  return filterChips({ chips: given, set: search.setChip, clear: search.clear, after: more, sideways: true });
}

function found(view) {
  const { total, list, searchedUntil, asked } = view;
  const oldest = asked?.orderBy === "OLDEST";
  const turn = () => view.app.query({ order: oldest ? null : "oldest", at: null });
  const waiting = list.waiting.length ? said.messages.newRows(list.waiting.length) : null;
  const pill = waiting ?? (list.hasNewer ? said.messages.newestAbove : null);
  return html`<div class="msg-found"><span><b>${total ? said.messages.total(total) : "–"}</b>,
      <button type="button" class="link" title=${said.messages.turnOrder} @click=${turn}>${oldest ? said.messages.oldestFirst : said.messages.newestFirst}</button></span>
    ${searchedUntil ? html`<span>${said.messages.foundUpTo(distance(searchedUntil))}</span>` : nothing}
    ${chosen(view)}
    ${pill ? html`<button type="button" class="pill" @click=${view.showNewest}>${pill}</button>` : nothing}</div>`;
}

export function listHead(view) {
  return html`<header class="msg-head"><h1 id="messages-heading">${said.messages.title}</h1>
      <div class="msg-head-does">${saveMenu(view)}${exportMenu({ app: view.app, asked: view.asked, id: "export" })}</div></header>
    ${searches(view)}${searchField(view)}${chips(view)}${view.list.state === "ready" && !view.list.count ? nothing : found(view)}`;
}

