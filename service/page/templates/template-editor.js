// The editor of one template: its source, what it looks like, what is wrong with it, its versions.
import { said } from "../language.js";
import { Comparison } from "./comparison.js";
import { CustomerChoice } from "./customer-choice.js";
import { forgetDraft, keepDraft, keptDraft } from "./drafts.js";
import { listen } from "./editor-listening.js";
import { editorView } from "./editor-view.js";
import { inputOf, isStarter, letterOf, newLetter, same } from "./letter-source.js";
import { offeredFields, originOf } from "./merge-fields.js";
import { Preview } from "./preview.js";
import { marksOf, problemsOf } from "./problems.js";
import { publish, readTemplate, readVersion } from "./queries.js";
import { TestSending } from "./test-sending.js";
import { VersionList } from "./version-list.js";

/** After the last key, until the preview is renewed and the draft is kept. */
const PAUSE_MS = 300;
/** Below it two sources are compared in one column. */
const SIDE_BY_SIDE = "(min-width: 72rem)";

export class TemplateEditor {
  constructor(place, app, { loadCode = () => import("./code-editor.js") } = {}) {
    this.app = app;
    this.id = place.path[0];
    this.isNew = this.id === "new";
    this.loadCode = loadCode;
    this.title = said.templates.title;
    /** `loading`, `ready`, `missing` or `broken`. */
    this.state = "loading";
    this.error = null;
    this.template = null;
    /** What is edited, what it was begun from (null for a new template), and when it was last kept here. */
    this.letter = null;
    this.published = null;
    this.keptAt = null;
    this.keeping = true;
    /** A version that is looked at instead of the draft; null for the draft. */
    this.viewed = null;
    /** `code` or `preview`: which of both narrow screens show. */
    this.pane = "code";
    this.panel = null;
    this.publishing = false;
    this.fault = null;
    this.misfits = [];
    this.preview = new Preview(app);
    this.customers = new CustomerChoice(app, (chosen) => this.preview.show({ customer: chosen }, this.shown));
    this.versions = new VersionList(app, this.id);
    this.test = new TestSending(app, () => ({ letter: this.shown, customer: this.preview.customer }));
    this.comparison = new Comparison(app, this.id);
    this.listening = listen(this);
    this.open();
  }

  /** The letter that is seen: the draft, or a version. */
  get shown() {
    return this.viewed?.letter ?? this.letter;
  }

  get isChanged() {
    return !this.published || !same(this.letter, this.published);
  }

  get readOnly() {
    return Boolean(this.viewed) || Boolean(this.app.readOnly) || this.listening.narrow.matches;
  }

  /** The version that publishing would make. */
  get nextVersion() {
    return (this.template?.version ?? 0) + 1;
  }

  shows(place) {
    return place.view === "templates" && place.path[0] === this.id;
  }

  async open() {
    this.state = "loading";
    this.app.changed();
    try {
      if (!this.isNew) this.template = await this.app.guard(readTemplate)(this.id);
      if (!this.isNew && !this.template) this.state = "missing";
      else if (!this.left) this.begin();
    } catch (error) {
      // An id that was mistyped.
      if (error.argument === "id") this.state = "missing";
      else Object.assign(this, { state: "broken", error });
    }
    this.app.changed();
  }

  /** Goes on with the draft that is kept here, or begins one of the newest version. */
  begin() {
    const { template } = this;
    this.published = template && letterOf(template.name, template.newest);
    const kept = keptDraft(this.id);
    this.letter = kept?.letter ?? this.published ?? newLetter(said.templates.newSubject);
    this.base = kept?.base ?? template?.version ?? 0;
    this.keptAt = kept?.at ?? null;
    this.title = template?.name ?? said.templates.newTemplate;
    this.state = "ready";
    this.arrive(this.app.place);
    this.preview.renew(this.shown);
  }

  async arrive(place) {
    if (this.state !== "ready") return;
    const { version, compare } = place.query;
    await this.look(Number(version) || null);
    this.comparison.show(Number(compare) || null, this.shown, this.viewed?.number ?? (this.isChanged ? null : this.template?.version));
    this.panel = "versions" in place.query ? "versions" : null;
    if (this.panel) {
      this.test.open = false;
      this.versions.open();
    }
    this.app.changed();
  }

  /** Shows a version instead of the draft, or the draft again. */
  async look(number) {
    this.wanted = number;
    if ((this.viewed?.number ?? null) === number) return;
    try {
      const found = number && (await this.app.guard(readVersion)(this.id, number));
      // The reader may have gone on to another version, or left.
      if (this.wanted !== number || this.left) return;
      this.viewed = found ? { number, createdAt: found.createdAt, createdBy: found.createdBy, letter: letterOf(this.template.name, found) } : null;
      this.fault = number && !found ? said.templates.noSuchVersion(number) : null;
    } catch (error) {
      if (this.wanted !== number || this.left) return;
      this.fault = error.message || said.templates.notRead;
    }
    this.code?.show(this.shown.source, { kind: this.shown.kind, readOnly: this.readOnly });
    this.preview.renew(this.shown);
  }

  leave() {
    this.keep();
    clearTimeout(this.pausing);
    this.preview.stop();
    this.test.stop();
    this.comparison.close();
    this.customers.stop();
    this.code?.close();
    this.left = true;
    this.listening.stop();
  }

  resume() {
    if (this.state === "broken" || this.state === "loading") this.open();
    else if (this.state === "ready") this.preview.renew(this.shown);
  }

  // Writing --------------------------------------------------------------------------------------------------

  /** Changes the draft. */
  write(change) {
    this.letter = { ...this.letter, ...change };
    this.fault = null;
    clearTimeout(this.pausing);
    this.pausing = setTimeout(() => this.paused(), PAUSE_MS);
    this.app.changed();
  }

  /** MJML or HTML: what was begun with is replaced, what was written stays. */
  writeIn(kind) {
    if (kind === this.letter.kind) return;
    const source = isStarter(this.letter) ? newLetter("", kind).source : this.letter.source;
    this.write({ kind, source });
    this.code?.show(source, { kind, readOnly: this.readOnly });
  }

  paused() {
    clearTimeout(this.pausing);
    this.keep();
    this.misfits = this.code?.misfits() ?? [];
    this.preview.renew(this.shown);
    this.app.changed();
  }

  /** Keeps the draft in this browser, or forgets it when nothing was changed. */
  keep = () => {
    if (this.state !== "ready" || this.app.readOnly) return;
    const untouched = this.isNew ? isStarter(this.letter) && !this.letter.name : !this.isChanged;
    if (untouched) {
      forgetDraft(this.id);
      this.keptAt = null;
      return;
    }
    const at = new Date().toISOString();
    this.keeping = keepDraft(this.id, { letter: this.letter, base: this.base, at });
    if (this.keeping) this.keptAt = at;
  };

  /** Ctrl S. */
  save = () => {
    this.paused();
    this.app.announce(this.keeping ? said.templates.draftKept : said.templates.draftNotKept);
  };

  /** The draft is the newest version again. */
  discard() {
    forgetDraft(this.id);
    Object.assign(this, { letter: this.published ?? newLetter(said.templates.newSubject), base: this.template?.version ?? 0, keptAt: null, fault: null });
    this.code?.show(this.shown.source, { kind: this.shown.kind, readOnly: this.readOnly });
    this.preview.renew(this.shown);
    this.app.changed();
  }

  /** The version that is looked at becomes the draft. */
  takeVersion() {
    const { letter } = this.viewed;
    this.viewed = null;
    this.write(letter);
    this.code?.show(letter.source, { kind: letter.kind, readOnly: this.readOnly });
    this.app.query({ version: null, compare: null });
  }

  async publish() {
    if (this.publishing) return;
    Object.assign(this, { publishing: true, fault: null });
    const written = this.letter;
    this.app.changed();
    try {
      this.template = await this.app.guard(publish)(inputOf(written));
      this.published = letterOf(this.template.name, this.template.newest);
      this.base = this.template.version;
      // What was typed meanwhile is a draft of the next version.
      if (this.letter === written) this.letter = this.published;
      this.title = this.template.name;
      this.app.announce(said.templates.isPublished(this.template.version));
      this.versions.forget();
      this.afterPublishing();
    } catch (error) {
      this.fault = error.message || said.templates.notPublished;
    }
    this.publishing = false;
    this.app.changed();
  }

  afterPublishing() {
    if (!this.isNew) return this.keep();
    forgetDraft("new");
    Object.assign(this, { id: this.template.id, isNew: false, versions: new VersionList(this.app, this.template.id), comparison: new Comparison(this.app, this.template.id) });
    this.keep();
    return this.app.go({ path: [this.id], query: {} }, { replace: true });
  }

  // Drawing --------------------------------------------------------------------------------------------------

  get problems() {
    return problemsOf({ ...this.preview.findings, tags: this.misfits.map((each) => ({ line: each.line, text: said.templates.misfit(each) })) });
  }

  offered = () => {
    const names = offeredFields({ used: this.preview.fields, sample: this.letter.sample, attributes: this.preview.customer?.attributes });
    return names.map((name) => ({ name, detail: said.templates.origin[originOf(name)] }));
  };

  fitWidth = () => {
    this.code?.setReadOnly(this.readOnly);
    this.app.changed();
  };

  view() {
    return editorView(this);
  }

  drawn(root) {
    const host = root.querySelector("#template-code");
    if (host && host !== this.host) this.openCode(host);
    this.code?.mark(marksOf(this.problems));
    this.preview.drawn(root);
    this.comparison.drawn(root, window.matchMedia(SIDE_BY_SIDE).matches);
    this.test.drawn(root);
  }

  async openCode(host) {
    this.host = host;
    this.code?.close();
    this.code = null;
    try {
      const { openCode } = await this.loadCode();
      const { shown } = this;
      const code = await openCode(host, {
        text: shown.source, kind: shown.kind, readOnly: this.readOnly, label: said.templates.sourceLabel, offered: this.offered, save: this.save,
        changed: (source) => this.write({ source }),
      });
      if (this.left || this.host !== host) return code.close();
      if (this.shown !== shown) code.show(this.shown.source, { kind: this.shown.kind, readOnly: this.readOnly });
      Object.assign(this, { code, codeError: null, misfits: code.misfits() });
    } catch (error) {
      this.codeError = error;
    }
    return this.app.changed();
  }
}
