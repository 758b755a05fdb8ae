// The published versions of a template, newest first: each can be opened and compared.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { writeAddress } from "../address.js";
import { failure, skeleton } from "../notices.js";
import { readVersions } from "./queries.js";

/** Who published a version, where that is known. */
export const by = ({ createdBy }) => (createdBy ? html` ${said.templates.by} <bdi>${createdBy}</bdi>` : nothing);

export class VersionList {
  constructor(app, id) {
    this.app = app;
    this.id = id;
    this.read = app.guard(readVersions);
    this.forget();
  }

  /** After another one was published. */
  forget() {
    Object.assign(this, { state: "new", versions: [], end: null, more: false, error: null });
  }

  async open() {
    if (this.state === "new" || this.state === "error") await this.older();
  }

  async older() {
    this.state = "loading";
    this.app.changed();
    try {
      const { nodes, pageInfo } = await this.read(this.id, this.end);
      Object.assign(this, { state: "ready", versions: [...this.versions, ...nodes], end: pageInfo.endCursor, more: pageInfo.hasNextPage });
    } catch (error) {
      Object.assign(this, { state: "error", error });
    }
    this.app.changed();
  }

  link(text, query, label) {
    const place = { view: "templates", path: [this.id], query };
    return html`<a href=${writeAddress(place)} aria-label=${label} @click=${this.app.to(place)}>${text}</a>`;
  }

  row = (version) => html`<li><span class="tp-number">${said.templates.versionNumber(version.number)}</span> <span>${moment(version.createdAt)}${by(version)}</span>
    <span class="tp-subject"><bdi>${version.subject}</bdi></span>
    <span class="tp-links">${this.link(said.templates.openVersion, { version: version.number }, said.templates.openVersionLabel(version.number))}
      ${this.link(said.templates.compare, { compare: version.number }, said.templates.compareLabel(version.number))}</span></li>`;

  view(close) {
    return html`<section class="tp-panel" aria-labelledby="versions-heading"><h2 id="versions-heading">${said.templates.versions}</h2>
      ${this.state === "error" ? failure(this.error, () => this.older()) : nothing}
      ${this.state === "loading" && !this.versions.length ? skeleton(3) : html`<ol class="tp-versions" reversed>${this.versions.map(this.row)}</ol>`}
      ${this.more && this.state === "ready" ? html`<button type="button" class="button" @click=${() => this.older()}>${said.templates.olderVersions}</button>` : nothing}
      <p><button type="button" class="button" @click=${close}>${said.templates.close}</button></p></section>`;
  }
}
