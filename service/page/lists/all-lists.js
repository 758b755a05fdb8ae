// All lists by name, with a search, and a new one.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { fileButton, waiting } from "./all-imports.js";
import { createList, readLists } from "./queries.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";

/** Pause in typing after which the search runs. */
const TYPING_MS = 200;
const MAX_SEARCH = 100;
const MAX_NAME = 255;

export const placeOfList = (id, ...more) => ({ view: "lists", path: [id, ...more], query: {} });

export class AllLists {
  constructor(place, app) {
    Object.assign(this, { place, app });
    this.title = said.lists.title;
    this.list = new PagedList(app.guard((page, options) => readLists({ search: this.search, ...page }, options)), () => app.changed());
    this.typed = this.search;
    this.making = false;
    this.fault = null;
    this.focusNext = null;
    this.list.open();
  }

  get search() {
    return (this.place.query.search ?? "").slice(0, MAX_SEARCH);
  }

  shows({ view, path = [] }) {
    return view === "lists" && !path.length;
  }

  leave() {
    clearTimeout(this.typing);
    this.list.reset();
  }

  arrive(place) {
    const { search } = this;
    this.place = place;
    if (search === this.search) return;
    if (this.typed.trim() !== this.search) this.typed = this.search;
    this.list.open();
  }

  resume() {
    this.list.retry();
    this.list.refresh({ hold: false }).catch(() => {});
  }

  type(text) {
    this.typed = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.query({ search: text.trim() || null }, { replace: true }), TYPING_MS);
  }

  /** Makes a fixed list, or opens the criteria of a dynamic one: it is made once they are there. */
  make = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const name = given.get("name").trim();
    if (given.get("kind") === "DYNAMIC") return this.app.go({ view: "lists", path: ["new"], query: { name } });
    if (this.creating) return undefined;
    this.creating = true;
    try {
      const { id } = await this.app.guard(createList)({ name });
      this.app.go(placeOfList(id));
    } catch (error) {
      this.fault = error.message;
      this.app.changed();
    }
    this.creating = false;
    return undefined;
  };

  toggle = () => {
    this.making = !this.making;
    this.fault = null;
    this.focusNext = this.making ? "list-name" : "list-new";
    this.app.changed();
  };

  drawn(root) {
    watchBlocks(root);
    const wanted = this.focusNext && document.getElementById(this.focusNext);
    if (!wanted) return;
    this.focusNext = null;
    wanted.focus();
  }

  actions() {
    return this.app.readOnly ? [] : [{ name: said.lists.newList, keys: "", run: this.toggle }];
  }

  row = ({ node, cursor }) => html`<a class="list-row" data-cursor=${cursor} href=${writeAddress(placeOfList(node.id))} @click=${this.app.to(placeOfList(node.id))}>
    <span class="list-who"><span class="list-name"><bdi>${node.name}</bdi></span>
      <span class="list-whose">${node.kind === "DYNAMIC" ? html`<bdi>${node.criteriaInWords}</bdi>` : said.lists.madeBy(node.by)}</span></span>
    <span class="list-kind">${said.lists.kinds[node.kind]}</span>
    <span class="list-count">${said.lists.members(node.count)}${node.usedBy ? html`<span class="list-whose">${said.lists.uses(node.usedBy)}</span>` : nothing}</span>
    <span class="when">${moment(node.createdAt)}</span></a>`;

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return notice(this.search ? { heading: said.lists.noneFound, text: said.lists.noneFoundText(this.search) } : { heading: said.lists.none, text: said.lists.noneText });
    return html`<div class="list-rows" role="group" aria-label=${said.lists.title}>${rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }

  form() {
    if (!this.making) return nothing;
    return html`<form class="list-form" @submit=${this.make}>
      <div class="edit-field"><label for="list-name">${said.lists.name}</label><input id="list-name" name="name" type="text" required maxlength=${MAX_NAME} autocomplete="off"></div>
      <fieldset class="list-kinds"><legend>${said.lists.kind}</legend>
        <label class="tick"><input type="radio" name="kind" value="FIXED" checked> ${said.lists.fixedText}</label>
        <label class="tick"><input type="radio" name="kind" value="DYNAMIC"> ${said.lists.dynamicText}</label></fieldset>
      <p class="fault" role="alert">${this.fault ?? nothing}</p>
      <button type="submit" class="button primary" data-acts>${said.lists.make}</button>
      <button type="button" class="button" @click=${this.toggle}>${said.shared.back}</button></form>`;
  }

  view() {
    const imports = { view: "lists", path: ["imports"], query: {} };
    return html`<header class="heading list-heading"><h1>${said.lists.title}</h1>
        <form role="search" class="search" @submit=${(event) => event.preventDefault()}>${icons.search}<label for="search" class="unseen">${said.lists.search}</label>
          <input id="search" type="search" maxlength=${MAX_SEARCH} autocomplete="off" placeholder=${said.lists.search} aria-keyshortcuts="/" .value=${this.typed} @input=${(event) => this.type(event.target.value)}></form>
        <p class="list-actions">${this.app.readOnly ? nothing : html`<button type="button" id="list-new" class="button" aria-expanded=${this.making ? "true" : "false"} @click=${this.toggle}>${said.lists.newList}</button>
            ${fileButton("lists-file", said.lists.importCsv, (file) => waiting.open(this.app, file))}`}
          <a class="link" href=${writeAddress(imports)} @click=${this.app.to(imports)}>${said.lists.imports}</a></p></header>
      ${this.form()}${this.rows()}`;
  }
}
