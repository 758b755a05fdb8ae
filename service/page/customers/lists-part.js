// The lists that a customer is in: since when and by what; added to a fixed one, or taken out, with Undo.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { FindBox } from "../find-box.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { placeLink } from "../place-link.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { addToList, findFixedLists, readLists, removeFromList } from "./part-queries.js";

export class ListsPart {
  constructor(page) {
    this.page = page;
    const { app, customer } = page;
    this.list = new PagedList(app.guard((wanted, options) => readLists(customer.id, wanted, options)), () => app.changed());
    this.adding = false;
    this.fault = null;
    this.finder = new FindBox({
      id: "person-list", label: () => said.customers.parts.listName, find: app.guard(findFixedLists), pick: (list) => this.add(list), changed: app.changed,
    });
    this.list.open();
  }

  leave() {
    this.list.reset();
  }

  resume() {
    this.list.retry();
    this.list.refresh({ hold: false }).catch(() => {});
  }

  /** Changes a membership; `back` is the mutation that undoes it. */
  async change(work, back, list, text) {
    const { app, customer } = this.page;
    this.fault = null;
    try {
      const { changed } = await app.guard(work)(list.id, customer.id);
      const undo = async () => {
        await app.guard(back)(list.id, customer.id);
        await this.list.open();
      };
      app.undoable(changed ? text(list.name) : said.customers.parts.asItWas(list.name), changed ? undo : null);
      await this.list.open();
    } catch (error) {
      this.fault = error.message;
    }
    app.changed();
  }

  add(list) {
    this.close();
    return this.change(addToList, removeFromList, list, said.customers.parts.added);
  }

  open = () => {
    this.adding = true;
    this.finder.clear();
    this.page.afterDrawing(() => document.getElementById("person-list")?.focus());
  };

  close = () => {
    this.adding = false;
    this.page.afterDrawing(() => document.querySelector(".person-add")?.focus());
  };

  row = ({ node: { addedAt, by, list }, cursor }, index) => html`<div role="row" aria-rowindex=${index + 1} data-cursor=${cursor} class="row person-row person-list-row">
    <div role="cell">${placeLink(this.page.app, { view: "lists", path: [list.id], query: {} }, html`<bdi>${list.name}</bdi>`)}</div>
    <div role="cell">${said.customers.parts.kinds[list.kind] ?? list.kind}</div>
    <div role="cell" class="when">${addedAt ? html`${moment(addedAt)}` : html`<span class="not">${said.customers.parts.byCriteria}</span>`}</div>
    <div role="cell">${by ? html`<bdi>${by}</bdi>` : nothing}</div>
    <div role="cell" class="person-do">${list.kind === "FIXED" && !this.page.app.readOnly
      ? html`<button type="button" class="button" data-acts aria-label=${`${said.customers.parts.takeOut}: ${list.name}`} @click=${() => this.change(removeFromList, addToList, list, said.customers.parts.takenOut)}>${said.customers.parts.takeOut}</button>` : nothing}</div>
  </div>`;

  rows() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton(4);
    if (!list.count) return notice({ heading: said.customers.parts.noLists, text: said.customers.parts.noListsWhy });
    return html`<div role="table" class="table" aria-label=${said.customers.parts.lists} aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head person-row person-list-row" aria-rowindex="1">${
        said.customers.parts.listHeads.map((head) => html`<div role="columnheader">${head}</div>`)}</div></div>
      ${rowBlocks(list, this.row)}</div>${listEnd(list)}`;
  }

  view() {
    const close = (event) => event.key === "Escape" && this.close();
    return html`${this.page.app.readOnly ? nothing : html`<div class="person-bar">${this.adding
        ? html`<div class="person-form" @keydown=${close}>${this.finder.view()}<button type="button" class="button" @click=${this.close}>${said.shared.back}</button></div>`
        : html`<button type="button" class="button person-add" @click=${this.open}>${said.customers.parts.addToList}</button>`}</div>`}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}${this.rows()}`;
  }
}
