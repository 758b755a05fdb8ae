// A campaign's draft on one page: five sections, saved while one types, and beside them what is still to do.
import { html } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { checksOf, nextTarget } from "./edit-checks.js";
import { checklist } from "./edit-checklist.js";
import { draftOf, newDraft, newMailing, shownMailings } from "./edit-draft.js";
import { Launching } from "./edit-launch.js";
import { LetterPreview } from "./edit-letter.js";
import { mailingPickers } from "./edit-mailings.js";
import { checkSender, findLists, readDraft, readPreview, readSenders } from "./edit-queries.js";
import { DraftSaver } from "./edit-saving.js";
import { saveState, sections } from "./edit-sections.js";
import { TestMessage } from "./edit-test.js";
import { DraftWriting } from "./edit-writing.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { CustomerImport } from "../lists/import.js";
import { dayText } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { Picker } from "../picker.js";
import { preference } from "../preferences.js";
import { withStyleSheet } from "../style-sheet.js";

/** Mailings of which the checklist asks for the audience: each is counted anew. */
const CHECKED = 10;
/** After a change was saved, before the audience is counted again: a list is often followed by another one. */
const COUNT_MS = 400;

export class CampaignEditor {
  constructor(place, app) {
    Object.assign(this, { app, place });
    this.id = place.path[0] === "new" ? null : place.path[0];
    this.state = "loading";
    this.draft = null;
    this.senders = [];
    /** What the API says of each mailing, by its key. */
    this.previews = new Map();
    this.domainCheck = null;
    this.counting = false;
    /** The id of the element that has the focus as soon as it is there. */
    this.focusNext = null;
    this.import = null;
    this.checksOpen = false;
    const changed = () => app.changed();
    this.writing = new DraftWriting(this);
    this.saver = new DraftSaver({ write: app.guard((part) => this.writing.write(part)), changed, saved: () => this.saved() });
    this.launching = new Launching(this);
    this.letter = new LetterPreview(this);
    this.test = new TestMessage(this);
    this.pickers = new Map();
    // A tab that is closed is hidden first: what was typed just now is saved before.
    this.onHidden = () => document.hidden && this.saver.flush();
    document.addEventListener("visibilitychange", this.onHidden);
    this.lists = this.listPicker("edit-lists", "lists");
    this.excluded = this.listPicker("edit-excluded", "excluded");
  }

  get title() {
    return this.draft?.title || said.edit.newCampaign;
  }

  shows({ view, path = [] }) {
    if (view !== "campaigns") return false;
    return this.id ? path[0] === this.id && path[1] === "edit" : path[0] === "new";
  }

  arrive(place) {
    this.place = place;
    if (this.state === "loading" && !this.reading) this.read();
  }

  /** Nothing is lost: what waits is saved. */
  leave() {
    this.left = true;
    clearTimeout(this.countTimer);
    document.removeEventListener("visibilitychange", this.onHidden);
    this.import?.stop();
    this.saver.leave((why) => this.app.undoable(`${this.title}: ${said.edit.launch.notSaved(why)}`));
  }

  resume() {
    this.import?.resume();
    if (this.state === "error") this.read();
    else this.saver.flush();
  }

  read = async () => {
    this.reading = true;
    this.state = "loading";
    this.app.changed();
    try {
      const [senders, campaign] = await this.app.guard(() => Promise.all([readSenders(), this.id ? readDraft(this.id) : null]))();
      this.senders = senders;
      this.show(campaign);
    } catch (error) {
      Object.assign(this, { state: "error", error });
    }
    this.reading = false;
    this.app.changed();
  };

  show(campaign) {
    if (this.id && !campaign) return void (this.state = "gone");
    if (campaign && !campaign.actions.includes("LAUNCH")) return void (this.state = "launched");
    this.draft = campaign ? draftOf(campaign) : newDraft({
      title: said.edit.titleOf(dayText(new Date().toISOString())), sender: this.senders.find((each) => each.postalAddress) ?? this.senders[0],
      zone: preference("zone"),
    });
    this.state = "ready";
    this.test.load();
    // Also of a copy, whose button is gone: it is named first.
    if (!campaign || document.activeElement === document.body) this.focusNext = "edit-title";
    if (campaign) this.count();
    this.askDomain();
    return undefined;
  }

  /** Changes the campaign's own fields. */
  change(values, { soon = true } = {}) {
    Object.assign(this.draft, values);
    this.saver.touch("campaign", { soon });
    if ("senderId" in values) this.askDomain();
  }

  /** Changes one mailing. */
  changeMailing(mailing, values, { soon = true } = {}) {
    Object.assign(mailing, values);
    this.saver.touch(mailing.key, { soon });
  }

  /** A draft keeps its kind in the API, so another kind is another draft: the first one is deleted. */
  changeKind(kind) {
    for (const mailing of shownMailings(this.draft)) {
      Object.assign(mailing.when, { kind: kind === "EVENT_BASED" ? "after" : "now", days: 0, localTime: "" });
      mailing.notOpened = null;
    }
    this.draft.kind = kind;
    this.saver.touch("kind", { soon: true });
  }

  addMailing() {
    const mailing = newMailing(this.draft);
    this.draft.mailings.push(mailing);
    this.focusNext = `edit-template-${mailing.key}`;
    this.app.changed();
  }

  removeMailing(mailing) {
    mailing.gone = true;
    this.previews.delete(mailing.key);
    if (mailing.id) this.saver.touch(mailing.key, { soon: true });
    const undo = async () => {
      Object.assign(mailing, { gone: false });
      this.saver.touch(mailing.key, { soon: true });
    };
    this.app.undoable(said.edit.mailingRemoved, undo);
    this.app.changed();
  }

  listPicker(id, name) {
    return new Picker({
      id, label: said.edit[name], placeholder: said.lists.search, changed: () => this.app.changed(),
      read: this.app.guard(async (search) => (await findLists(search))
        .filter((each) => ![...this.draft.lists, ...this.draft.excluded].some((taken) => taken.id === each.id))
        .map((each) => ({ id: each.id, text: each.name, hint: said.edit.listHint(each), list: each }))),
      pick: ({ list }) => this.addList(name, list),
    });
  }

  addList(name, list) {
    if (!this.draft[name].some(({ id }) => id === list.id)) this.change({ [name]: [...this.draft[name], list] });
  }

  /** The list of an import has all its members now. */
  renewList(list) {
    this.draft.lists = this.draft.lists.map((each) => (each.id === list.id ? list : each));
    if (this.saver.state === "saved") this.count();
  }

  removeList(name, list) {
    this.change({ [name]: this.draft[name].filter(({ id }) => id !== list.id) });
    this.focusNext = name === "lists" ? "edit-lists" : "edit-excluded";
  }

  pickersOf(mailing) {
    if (!this.pickers.has(mailing.key)) this.pickers.set(mailing.key, mailingPickers(this, mailing));
    return this.pickers.get(mailing.key);
  }

  /** Brings a CSV file in: it goes up at once, and its customers join a list of the file's name. */
  importFile(file) {
    this.import?.stop();
    this.import = new CustomerImport({
      app: this.app, file,
      // At once: the import goes on when the editor is left, and its list is the draft's all the same.
      begun: (list) => this.addList("lists", list),
      joined: (list) => this.renewList(list),
      left: (list) => this.removeList("lists", list),
      done: () => this.next(),
      close: () => { this.import = null; this.focusNext = "edit-import"; this.app.changed(); },
    });
    this.app.changed();
  }

  saved() {
    if (this.left) return;
    clearTimeout(this.countTimer);
    this.countTimer = setTimeout(() => this.count(), COUNT_MS);
  }

  /** Asks what the mailings would look like and whom they would reach: `previews`. Returns whether that is known now. */
  count = async () => {
    clearTimeout(this.countTimer);
    const round = (this.round = (this.round ?? 0) + 1);
    this.counting = true;
    this.app.changed();
    try {
      const mailings = shownMailings(this.draft).filter((each) => each.id).slice(0, CHECKED);
      const found = await this.app.guard(() => Promise.all(mailings.map(({ id }) => readPreview(id))))();
      if (round !== this.round) return false;
      this.previews = new Map(mailings.map(({ key }, place) => [key, found[place]]).filter(([, each]) => each));
      this.countError = null;
    } catch (error) {
      if (round !== this.round) return false;
      this.countError = error;
    }
    this.counting = false;
    this.app.changed();
    return !this.countError;
  };

  askDomain = async () => {
    const { senderId } = this.draft;
    this.domainCheck = null;
    this.app.changed();
    if (!senderId) return;
    const found = await this.app.guard(() => checkSender(senderId))().catch(() => ({ failed: true }));
    if (this.draft.senderId === senderId) this.domainCheck = found;
    this.app.changed();
  };

  get checks() {
    return checksOf({
      draft: this.draft, previews: this.previews, faults: this.saver.faults, senders: this.senders, domainCheck: this.domainCheck,
      tested: this.test.tested, loading: this.counting || this.saver.state !== "saved", importing: this.import?.isRunning ?? false, now: Date.now(),
    });
  }

  /** The focus goes on to the first thing to do, or else to the launch. */
  next() {
    this.focusNext = nextTarget(this.checks) ?? "edit-launch";
    this.app.changed();
  }

  /** Follows a check to its field. */
  goTo(event, target) {
    event.preventDefault();
    this.checksOpen = false;
    document.getElementById(target)?.closest("details")?.setAttribute("open", "");
    this.focusNext = target;
    this.app.changed();
  }

  drawn(root) {
    this.launching.drawn(root);
    this.letter.drawn(root);
    this.import?.drawn(root);
    const wanted = this.focusNext && document.getElementById(this.focusNext);
    if (!wanted) return;
    this.focusNext = null;
    wanted.focus();
    if (wanted.id === "edit-title") wanted.select();
    wanted.scrollIntoView({ block: "nearest" });
  }

  actions() {
    if (this.state !== "ready" || this.app.readOnly) return [];
    return [{ name: said.edit.launchDots, keys: "", run: () => this.launching.open() }, { name: said.edit.another, keys: "", run: () => this.addMailing() }];
  }

  view() {
    if (this.state === "loading") return skeleton();
    if (this.state === "error") return failure(this.error, this.read);
    const there = { view: "campaigns", path: this.state === "launched" ? [this.id] : [], query: {} };
    const link = (text) => html`<a class="button" href=${writeAddress(there)} @click=${this.app.to(there)}>${text}</a>`;
    if (this.state === "gone") return notice({ level: 1, heading: said.edit.goneHeading, text: said.edit.goneText, action: link(said.edit.toCampaigns) });
    if (this.state === "launched") return notice({ level: 1, heading: said.edit.launchedHeading, text: said.edit.launchedText, action: link(said.edit.toCampaign) });
    if (this.app.readOnly) return notice({ level: 1, heading: said.edit.readOnlyHeading, text: said.edit.readOnlyText, action: link(said.edit.toCampaigns) });
    return html`<header class="heading edit-heading">
        <a class="back" href=${writeAddress(there)} @click=${this.app.to(there)}>${icons.back}${said.edit.campaigns}</a>
        <h1><bdi>${this.title}</bdi></h1><p class="hint">${saveState(this)}</p></header>
      <div class="edit"><div class="edit-sections">${sections(this)}</div>${checklist(this)}</div>`;
  }
}

/** Its style sheets are not those of the view that opens it. */
const STYLES = ["./edit.css", "../lists/view.css"].map((name) => new URL(name, import.meta.url).href);

export async function open(place, app) {
  await Promise.all(STYLES.map(withStyleSheet));
  return new CampaignEditor(place, app);
}
