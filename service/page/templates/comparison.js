// Two versions of a letter beside each other, or one and the draft.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { failure, skeleton } from "../notices.js";
import { letterOf } from "./letter-source.js";
import { readVersion } from "./queries.js";

export class Comparison {
  constructor(app, id, { loadCode = () => import("./code-editor.js") } = {}) {
    Object.assign(this, { app, id, loadCode, read: app.guard(readVersion) });
    this.number = null;
    this.before = null;
    this.error = null;
  }

  /** Compares version `number` with a letter, which is version `other` or, when null, the draft; null ends it. */
  async show(number, letter, other) {
    if (number === null) return this.end();
    const known = this.number === number;
    Object.assign(this, { number, after: letter, other, error: null });
    if (known && this.before) return this.app.changed();
    this.before = null;
    try {
      const found = await this.read(this.id, number);
      if (this.number !== number) return undefined;
      if (found) this.before = letterOf(letter.name, found);
      else this.error = new Error(said.templates.noSuchVersion(number));
    } catch (error) {
      this.error = error;
    }
    return this.app.changed();
  }

  end() {
    this.close();
    Object.assign(this, { number: null, before: null, after: null, error: null });
  }

  close() {
    this.closing?.();
    Object.assign(this, { closing: null, host: null, drawnAs: null });
  }

  get labels() {
    return [said.templates.versionNumber(this.number), this.other === null ? said.templates.draft : said.templates.versionNumber(this.other)];
  }

  async drawn(root, wide) {
    const host = root.querySelector("#template-comparison");
    if (!host || !this.before) return host ? undefined : this.close();
    const as = `${this.number}/${this.other}/${wide}`;
    if (this.host === host && this.drawnAs === as) return undefined;
    this.close();
    Object.assign(this, { host, drawnAs: as });
    try {
      const { openComparison } = await this.loadCode();
      if (this.host !== host || this.drawnAs !== as) return undefined;
      const closing = await openComparison(host, { before: this.before.source, after: this.after.source, kind: this.after.kind, labels: this.labels, narrow: !wide });
      // Another comparison, or none, may be wanted by now.
      if (this.host !== host || this.drawnAs !== as) closing();
      else this.closing = closing;
    } catch (error) {
      if (this.host === host) this.error = error;
      this.app.changed();
    }
    return undefined;
  }

  view(close) {
    if (this.error) return failure(this.error, () => this.show(this.number, this.after, this.other));
    if (!this.before) return skeleton(5);
    const [one, other] = this.labels;
    const same = this.before.source === this.after.source && this.before.subject === this.after.subject;
    return html`<section class="tp-compare" aria-labelledby="compare-heading">
      <div class="tp-compare-head"><h2 id="compare-heading">${said.templates.compared(one, other)}</h2><button type="button" class="button" @click=${close}>${said.templates.backToEditor}</button></div>
      ${same ? html`<p class="grey">${said.templates.noDifference}</p>` : nothing}
      ${this.before.subject === this.after.subject ? nothing : html`<dl class="tp-subjects"><div><dt>${one}</dt><dd><del>${this.before.subject}</del></dd></div>
        <div><dt>${other}</dt><dd><ins>${this.after.subject}</ins></dd></div></dl>`}
      <div id="template-comparison" class="tp-code"></div></section>`;
  }
}
