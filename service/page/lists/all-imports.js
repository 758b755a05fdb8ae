// Imports, the newest first; and one of them.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { CustomerImport } from "./import.js";
import { importable } from "./import-model.js";
import { readImports, readList } from "./queries.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";

const LISTS = { view: "lists", path: [], query: {} };
const IMPORTS = { view: "lists", path: ["imports"], query: {} };
const placeOf = (id, list) => ({ view: "lists", path: list ? [list, "imports", id] : ["imports", id], query: {} });
/** Between two looks while the list is seen. */
const POLL_MS = 5_000;

/** The button that opens the browser's choice of a file, and the field behind it. */
export function fileButton(id, text, chosen) {
  const change = ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) chosen(file);
  };
  return html`<button type="button" class="button" data-acts @click=${() => document.getElementById(id).click()}>${text}</button>
    <input id=${id} hidden type="file" accept=".csv,.tsv,.txt,text/csv" tabindex="-1" aria-label=${text} @change=${change}>`;
}

export class AllImports {
  constructor(place, app) {
    Object.assign(this, { place, app });
    this.title = said.lists.imports;
    this.list = new PagedList(app.guard(readImports), () => app.changed());
    this.list.open();
    this.poll = setInterval(() => document.hidden || this.list.refresh({ hold: window.scrollY > 0 }).catch(() => {}), POLL_MS);
  }

  shows({ view, path = [] }) {
    return view === "lists" && path[0] === "imports" && path.length === 1;
  }

  arrive() {}

  leave() {
    clearInterval(this.poll);
    this.list.reset();
  }

  resume() {
    this.list.retry();
  }

  drawn(root) {
    watchBlocks(root);
  }

  row = ({ node, cursor }) => {
    const there = placeOf(node.id, node.list?.id);
    return html`<a class="list-row" data-cursor=${cursor} href=${writeAddress(there)} @click=${this.app.to(there)}>
      <span class="list-who"><span class="list-name"><bdi>${node.fileName}</bdi></span><span class="list-whose">${said.lists.import.by(node.by)}</span></span>
      <span class="list-kind">${said.lists.import.statuses[node.status]}</span>
      <span class="list-count">${said.lists.import.counts(importable(node), node.failed)}</span>
      <span class="when">${moment(node.createdAt)}</span></a>`;
  };

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    if (!list.count) return notice({ heading: said.lists.import.none, text: said.lists.import.noneText });
    return html`<div class="list-rows" role="group" aria-label=${this.title}>${rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }

  view() {
    return html`<header class="heading"><a class="back" href=${writeAddress(LISTS)} @click=${this.app.to(LISTS)}>${icons.back}${said.lists.title}</a>
        <h1>${this.title}</h1></header>
      ${this.app.readOnly ? nothing : html`<p class="list-actions">${fileButton("imports-file", said.lists.importCsv, (file) => waiting.open(this.app, file))}</p>`}
      ${this.rows()}`;
  }
}

/** A file that was chosen on another page, until the page of its import is there. */
export const waiting = {
  file: null,
  open(app, file, list = null) {
    waiting.file = file;
    app.go({ view: "lists", path: list ? [list, "imports", "new"] : ["imports", "new"], query: {} });
  },
  take() {
    const { file } = waiting;
    waiting.file = null;
    return file;
  },
};

export class OneImport {
  constructor(place, app, { importId = null, listId = null }) {
    Object.assign(this, { place, app, importId, listId });
    this.title = said.lists.import.label;
    this.panel = null;
    this.error = null;
    this.file = importId ? null : waiting.take();
    this.open();
  }

  open = async () => {
    this.error = null;
    try {
      const list = this.listId ? await this.app.guard(readList)(this.listId) : null;
      if (this.left) return;
      if (this.file || this.importId) this.panel = new CustomerImport({ app: this.app, file: this.file, importId: this.importId, list, level: 2, named: (id) => this.named(id) });
    } catch (error) {
      this.error = error;
    }
    this.app.changed();
  };

  /** The file has become an import: the page has its address from then on. */
  named(id) {
    this.importId = id;
    this.app.go(placeOf(id, this.listId), { replace: true, scroll: false });
  }

  shows({ view, path = [] }) {
    return view === "lists" && path.includes("imports") && path.at(-1) === (this.importId ?? "new");
  }

  arrive(place) {
    this.place = place;
  }

  leave() {
    this.left = true;
    this.panel?.stop();
  }

  resume() {
    if (this.panel) this.panel.resume();
    else this.open();
  }

  drawn(root) {
    this.panel?.drawn(root);
  }

  view() {
    const back = this.listId ? { view: "lists", path: [this.listId], query: {} } : IMPORTS;
    const choose = this.app.readOnly ? nothing : fileButton("import-file", said.lists.importCsv, (file) => { this.file = file; this.open(); });
    const body = () => {
      if (this.error) return failure(this.error, this.open);
      return this.panel?.view() ?? notice({ heading: said.lists.import.choose, text: said.lists.import.chooseText, action: choose });
    };
    return html`<header class="heading"><a class="back" href=${writeAddress(back)} @click=${this.app.to(back)}>${icons.back}${this.listId ? said.lists.theList : said.lists.imports}</a>
      <h1>${this.panel?.import?.fileName ?? said.lists.import.label}</h1></header>${body()}`;
  }
}
