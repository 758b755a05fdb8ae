// One list: its members, with add and remove; of a dynamic one also its criteria.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { fileButton, waiting } from "./all-imports.js";
import { placeOfList } from "./all-lists.js";
import { CriteriaBuilder } from "./criteria-builder.js";
import { memberRow } from "./member-row.js";
import { addToList, createList, deleteList, findCustomers, membersFile, readList, readMembers, readUses, removeFromList, updateList } from "./queries.js";
import { Refused } from "../errors.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { drawnTabs, linkTabs } from "../link-tabs.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { Picker } from "../picker.js";
import { campaignPlace, placeLink } from "../place-link.js";
import { focusPlan, plan } from "../plan.js";
import { listEnd, rowBlocks, watchBlocks } from "../row-blocks.js";

const LISTS = { view: "lists", path: [], query: {} };
const TYPING_MS = 200;
const MAX_SEARCH = 320;
const MAX_NAME = 255;
/** Campaigns that a list names as its users; the others are counted. */
const USES_NAMED = 5;

export class OneList {
  constructor(place, app) {
    Object.assign(this, { place, app });
    /** Null for a dynamic list that is made once it has criteria. */
    this.id = place.path[0] === "new" ? null : place.path[0];
    this.list = null;
    /** The newest campaigns that are for it, or leave its members out. */
    this.uses = [];
    this.state = "loading";
    this.fault = null;
    this.planned = false;
    this.typed = place.query.search ?? "";
    /** The name of a list that is still to be made. */
    this.name = place.query.name ?? "";
    this.focusNext = this.id ? null : "list-name";
    this.members = new PagedList(app.guard((page, options) => readMembers(this.id, { search: this.search, ...page }, options)), () => app.changed());
    this.builder = new CriteriaBuilder({ app, save: (criteria) => this.saveCriteria(criteria) });
    this.adding = new Picker({
      id: "list-add", label: said.lists.add, placeholder: said.lists.findCustomer, changed: () => app.changed(),
      read: app.guard(async (search) => (await findCustomers(search)).map((each) => ({
        id: each.id, text: each.name ?? each.externalRef, hint: each.addresses.find(({ primary }) => primary)?.address ?? each.externalRef }))),
      pick: (option) => this.add([option.id], said.lists.added(option.text)),
    });
    this.read();
  }

  get title() {
    return this.list?.name ?? (this.id ? said.lists.theList : said.lists.newDynamic);
  }

  get search() {
    return (this.place.query.search ?? "").slice(0, MAX_SEARCH);
  }

  get tab() {
    return !this.id || this.place.path[1] === "criteria" ? "criteria" : "members";
  }

  shows({ view, path = [] }) {
    return view === "lists" && path[0] === (this.id ?? "new") && path[1] !== "imports";
  }

  arrive(place) {
    const { search } = this;
    this.place = place;
    if (this.state === "ready" && this.tab === "members" && (search !== this.search || this.members.state === "new")) this.members.open();
  }

  leave() {
    clearTimeout(this.typing);
    this.builder.stop();
    this.members.reset();
  }

  resume() {
    if (this.state === "error") this.read();
    else this.members.retry();
  }

  read = async () => {
    this.state = "loading";
    try {
      this.list = this.id ? await this.app.guard(readList)(this.id) : null;
      this.state = this.id && !this.list ? "gone" : "ready";
      this.uses = this.list?.usedBy ? await this.app.guard(readUses)(this.id, USES_NAMED) : [];
      if (this.list?.criteria) this.builder.show(this.list.criteria);
      if (this.id && this.list && this.tab === "members") this.members.open();
    } catch (error) {
      Object.assign(this, { state: "error", error });
    }
    this.app.changed();
  };

  /** Runs a change; why it was refused is shown. Returns whether it was done. */
  async attempt(work) {
    this.fault = null;
    try {
      await this.app.guard(work)();
      return true;
    } catch (error) {
      this.fault = error.message || said.lists.notDone;
      return false;
    } finally {
      this.app.changed();
    }
  }

  async add(ids, text) {
    const done = await this.attempt(async () => { this.list = (await addToList(this.id, ids)).list; });
    if (!done) return;
    this.app.undoable(text, () => this.takeBack(() => removeFromList(this.id, ids)));
    this.renew();
  }

  async remove(customer) {
    const done = await this.attempt(async () => { this.list = (await removeFromList(this.id, [customer.id])).list; });
    if (!done) return;
    this.app.undoable(said.lists.removed(customer.name ?? customer.externalRef), () => this.takeBack(() => addToList(this.id, [customer.id])));
    this.renew();
  }

  /** An undo: what it throws is said by the page. */
  async takeBack(work) {
    this.list = (await this.app.guard(work)()).list;
    this.renew();
  }

  renew() {
    this.members.open();
  }

  type(text) {
    this.typed = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.query({ search: text.trim() || null }, { replace: true }), TYPING_MS);
  }

  rename = (event) => {
    const name = event.target.value.trim();
    if (name && name !== this.list.name) this.attempt(async () => { this.list = await updateList({ listId: this.id, name }); });
  };

  /** Makes the dynamic list, or gives it other criteria. Throws what is refused. */
  async saveCriteria(criteria) {
    if (this.id) {
      this.list = await updateList({ listId: this.id, criteria });
      this.members.reset();
      return;
    }
    const name = this.name.trim();
    if (!name) {
      this.focusNext = "list-name";
      throw new Refused(said.lists.nameFirst);
    }
    const { id } = await createList({ name, criteria });
    this.app.go(placeOfList(id), { replace: true });
  }

  download = () => this.attempt(async () => {
    const url = await membersFile(this.id, this.search);
    if (url) location.assign(new URL(url).pathname + new URL(url).search);
  });

  askDelete = () => {
    this.planned = true;
    this.focusPlan = true;
    this.app.changed();
  };

  delete = async () => {
    if (await this.attempt(() => deleteList(this.id))) this.app.go(LISTS);
  };

  drawn(root) {
    watchBlocks(root);
    drawnTabs(root);
    this.builder.drawn(root);
    if (this.focusPlan && focusPlan(root)) this.focusPlan = false;
    const wanted = this.focusNext && document.getElementById(this.focusNext);
    if (!wanted) return;
    this.focusNext = null;
    wanted.focus();
  }

  deletion() {
    const words = said.lists.deletion;
    const back = () => { this.planned = false; this.fault = null; this.app.changed(); };
    return plan({ heading: words.heading(this.list.name), lines: [html`<span class="plan-what plan-whole">${words.line(this.list.count)}</span>`, ...(this.list.usedBy ? [html`<span class="plan-what plan-whole">${words.used(this.list.usedBy)}</span>`] : [])], confirm: words.confirm, fault: this.fault, act: this.delete, back });
  }

  row = ({ node, cursor }) => memberRow(node, { cursor, app: this.app, remove: this.list.kind === "FIXED" && !this.app.readOnly ? () => this.remove(node.customer) : null });

  membersView() {
    const { members, list } = this;
    const rows = () => {
      if (members.state === "error") return failure(members.error, () => members.open());
      if (members.state !== "ready") return skeleton();
      if (!members.count) return notice(this.search ? { heading: said.lists.noMember, text: said.lists.noneFoundText(this.search) } : { heading: said.lists.empty, text: said.lists[`empty${list.kind}`] });
      return html`<div class="list-rows" role="group" aria-label=${said.lists.tabs.members}>${rowBlocks(members, this.row, "presentation")}</div>${listEnd(members)}`;
    };
    const fixed = list.kind === "FIXED" && !this.app.readOnly;
    return html`<div class="list-tools">
        <form role="search" class="search" @submit=${(event) => event.preventDefault()}>${icons.search}<label for="search" class="unseen">${said.lists.searchMembers}</label>
          <input id="search" type="search" maxlength=${MAX_SEARCH} autocomplete="off" placeholder=${said.lists.searchMembers} .value=${this.typed} @input=${(event) => this.type(event.target.value)}></form>
        ${fixed ? html`${this.adding.view({ unseen: true })}${fileButton("list-file", said.lists.importCsv, (file) => waiting.open(this.app, file, this.id))}` : nothing}
        <button type="button" class="link" @click=${this.download}>${said.lists.export}</button></div>
      ${this.fault && !this.planned ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}${rows()}`;
  }

  head() {
    const { list } = this;
    return html`<header class="heading"><a class="back" href=${writeAddress(LISTS)} @click=${this.app.to(LISTS)}>${icons.back}${said.lists.title}</a>
      <h1><bdi>${this.title}</bdi></h1>
      ${list ? html`<ul class="facts"><li>${said.lists.kinds[list.kind]}</li><li>${said.lists.members(list.count)}${list.countedAt ? html` · ${said.lists.counted} ${moment(list.countedAt)}` : nothing}</li>
        <li>${said.lists.madeBy(list.by)}</li>${list.growsOn?.length ? html`<li>${said.lists.grows}</li>` : nothing}</ul>` : nothing}
      ${this.usedBy()}
      ${list && !this.app.readOnly ? html`<details class="edit-more"><summary>${said.lists.settings}</summary>
        <div class="edit-field"><label for="list-rename">${said.lists.name}</label><input id="list-rename" type="text" maxlength=${MAX_NAME} .value=${list.name} @change=${this.rename}></div>
        <button type="button" class="button" @click=${this.askDelete}>${said.lists.deletion.ask}</button></details>` : nothing}
      ${this.id ? nothing : html`<div class="edit-field"><label for="list-name">${said.lists.name}</label><input id="list-name" type="text" required maxlength=${MAX_NAME} autocomplete="off"
        .value=${this.name} @input=${(event) => { this.name = event.target.value; }}></div>`}
      ${this.planned ? this.deletion() : nothing}</header>`;
  }

  usedBy() {
    const { uses, list } = this;
    if (!list?.usedBy) return nothing;
    const more = list.usedBy - uses.length;
    return html`<p class="list-uses">${said.lists.usedBy} ${uses.map((each, place) => html`${place ? ", " : nothing}${placeLink(this.app, campaignPlace(each.id), html`<bdi>${each.title}</bdi>`)}`)}${
      more ? html`${uses.length ? " " : nothing}${said.lists.moreUses(more, uses.length > 0)}` : nothing}</p>`;
  }

  tabs() {
    if (this.list?.kind !== "DYNAMIC") return nothing;
    const tab = (name, place, count = null) => ({ href: writeAddress(place), text: said.lists.tabs[name], count, current: this.tab === name, follow: this.app.to(place) });
    return linkTabs({ label: said.lists.tabs.label, tabs: [tab("members", placeOfList(this.id)), tab("criteria", placeOfList(this.id, "criteria"))] });
  }

  view() {
    if (this.state === "loading") return skeleton();
    if (this.state === "error") return failure(this.error, this.read);
    if (this.state === "gone") {
      return notice({ level: 1, heading: said.lists.goneHeading, text: said.lists.goneText, action: html`<a class="button" href="/lists" @click=${this.app.to(LISTS)}>${said.lists.toLists}</a>` });
    }
    return html`${this.head()}${this.tabs()}${this.tab === "criteria" ? this.builder.view() : this.membersView()}`;
  }
}
