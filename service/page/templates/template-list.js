// All templates by name: what each is written in, who uses it, and what is wrong with it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";
import { draftIds } from "./drafts.js";
import { readTemplates } from "./queries.js";

/** Pause in typing after which the search runs. */
const TYPING_MS = 200;
/** Characters of a search at most: of a template's name. */
const MAX_SEARCH = 255;

const NEW = { view: "templates", path: ["new"], query: {} };

/** What would stop a launch, or else looks wrong: how much, and its sentences as a title. */
function warningsOf(warnings) {
  if (!warnings.length) return html`<span class="grey">${said.templates.noWarnings}</span>`;
  const stops = warnings.some(({ blocking }) => blocking);
  return html`<span class="badge ${stops ? "red" : "amber"}" title=${warnings.map(({ message }) => message).join("\n")}>${
    stops ? icons.failed : icons.warning}${stops ? said.templates.stopsLaunch(warnings.length) : said.templates.warnings(warnings.length)}</span>`;
}

export class TemplateList {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.title = said.templates.title;
    this.typed = this.search;
    this.list = new PagedList(app.guard((page, options) => readTemplates({ search: this.search.slice(0, MAX_SEARCH), ...page }, options)), () => app.changed());
    this.list.open();
  }

  get search() {
    return this.place.query.search ?? "";
  }

  shows(place) {
    return place.view === "templates" && !place.path.length;
  }

  arrive(place) {
    const before = this.search;
    this.place = place;
    if (this.search === before) return;
    if (this.typed.trim() !== this.search) this.typed = this.search;
    this.list.open();
  }

  leave() {
    clearTimeout(this.typing);
    this.list.reset();
  }

  resume() {
    this.list.retry();
    this.list.refresh({ hold: false }).catch(() => {});
  }

  drawn(root) {
    watchBlocks(root);
  }

  actions() {
    return this.app.readOnly ? [] : [{ name: said.templates.create, run: () => this.app.follow(new Event("click"), NEW) }];
  }

  type(text) {
    this.typed = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.query({ search: this.typed.trim() || null }, { replace: true }), TYPING_MS);
  }

  row = ({ node, cursor }, index) => {
    const { newest } = node;
    const place = { view: "templates", path: [node.id], query: {} };
    return html`<div role="row" class="row tp-row" aria-rowindex=${index + 1} data-cursor=${cursor}>
      <div role="cell" class="cell tp-what"><a class="tp-name" href=${writeAddress(place)} @click=${this.app.to(place)}><bdi>${node.name}</bdi></a>
        <span class="tp-subject"><bdi>${newest.subject}</bdi></span></div>
      <div role="cell" class="cell tp-kind" data-label=${said.templates.kind}>${newest.kind}</div>
      <div role="cell" class="cell tp-version" data-label=${said.templates.version}>${node.version}${
        this.drafts.has(node.id) ? html` <span class="mark">${said.templates.draftMark}</span>` : nothing}</div>
      <div role="cell" class="cell when" data-label=${said.templates.published}>${moment(newest.createdAt)}</div>
      <div role="cell" class="cell tp-used">${node.usedBy ? said.templates.usedBy(node.usedBy) : html`<span class="grey">${said.templates.usedByNone}</span>`}</div>
      <div role="cell" class="cell tp-warnings">${warningsOf(newest.warnings)}</div></div>`;
  };

  heads() {
    const head = (text, name = "") => html`<div role="columnheader" class=${name}>${text}</div>`;
    return html`<div role="rowgroup" class="heads"><div role="row" class="row head tp-row" aria-rowindex="1">${head(said.templates.name)}${head(said.templates.kind)}${
      head(said.templates.version)}${head(said.templates.published)}${head(said.templates.usedByHead)}${head(said.templates.warningsHead)}</div></div>`;
  }

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return this.none();
    this.drafts = draftIds();
    return html`<div role="table" aria-label=${said.templates.title} aria-rowcount=${list.hasOlder ? -1 : list.count + 1}>${this.heads()}${rowBlocks(list, this.row)}</div>${listEnd(list)}`;
  }

  none() {
    if (this.search) {
      return notice({ heading: said.templates.noneFound, text: said.templates.noneFoundWhy(this.search),
        action: html`<button type="button" class="button" @click=${() => this.app.query({ search: null })}>${said.templates.all}</button>` });
    }
    return notice({ heading: said.templates.noneYet, text: said.templates.noneYetWhy, action: this.create() });
  }

  create = () => (this.app.readOnly ? nothing : html`<a class="button" href=${writeAddress(NEW)} @click=${this.app.to(NEW)}>${said.templates.create}</a>`);

  view() {
    return html`<header class="heading tp-heading"><h1>${said.templates.title}</h1>
      <form role="search" class="search" @submit=${(event) => event.preventDefault()}>${icons.search}<label for="search" class="unseen">${said.templates.search}</label>
        <input id="search" type="search" placeholder=${said.templates.search} maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false"
          .value=${this.typed} @input=${(event) => this.type(event.target.value)}></form>
      ${this.create()}</header>
      ${this.rows()}`;
  }
}
