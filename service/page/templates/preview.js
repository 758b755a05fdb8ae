// The preview of a letter that may not be published: asked of the API after each pause, the old one shown till then.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { FRAME, holdLinks, putLetter } from "./letter-frame.js";
import { inputOf } from "./letter-source.js";
import { readPreview } from "./queries.js";

export class Preview {
  constructor(app) {
    this.app = app;
    this.read = app.guard(readPreview);
    /** How it is shown: `width` phone or desktop, `theme` light or dark, `as` html or text. */
    Object.assign(this, { width: "desktop", theme: "light", as: "html" });
    /** Whose data fills it in: `{ id, name, attributes }`, or null for the sample's. */
    this.customer = null;
    /** The newest that could be made; null before the first. */
    this.made = null;
    this.findings = { userErrors: [], warnings: [] };
    this.renewing = false;
    this.error = null;
    /** The HTML and the theme that the frame shows. */
    this.framed = null;
  }

  get fields() {
    return this.made?.fields ?? [];
  }

  /** Changes how it is shown, or whose data it has. */
  show(change, letter) {
    Object.assign(this, change);
    if ("customer" in change) this.renew(letter);
    this.app.changed();
  }

  stop() {
    this.asking?.abort();
  }

  /** Asks for a letter as it is now; an answer to an earlier question is dropped. */
  async renew(letter) {
    this.asking?.abort();
    const asking = new AbortController();
    Object.assign(this, { asking, renewing: true });
    this.app.changed();
    try {
      // Without a name it cannot be published; how it looks does not depend on one.
      const found = await this.read(inputOf({ ...letter, name: letter.name.trim() || said.templates.newTemplate }), this.customer?.id ?? null, { signal: asking.signal });
      if (this.asking === asking) this.take(found);
    } catch (error) {
      if (error.name === "AbortError" || this.asking !== asking) return;
      this.error = error;
    }
    this.renewing = false;
    this.app.changed();
  }

  take(found) {
    this.error = null;
    if (!found) {
      this.error = new Error(said.templates.noCustomer);
      return;
    }
    const { subject, html: page, text, size, fields, warnings, userErrors } = found;
    this.findings = { userErrors, warnings };
    if (!userErrors.length) this.made = { subject, html: page, text, size, fields };
  }

  /** Whether what is shown is not the letter as it is now. */
  get isOld() {
    return Boolean(this.made) && (this.findings.userErrors.length > 0 || Boolean(this.error));
  }

  drawn(root) {
    const frame = root.querySelector(".tp-frame");
    if (!frame) this.framed = null;
    else if (this.made && this.framed !== this.made.html + this.theme) this.put(frame);
  }

  put(frame) {
    if (this.made && putLetter(frame, this.made.html, this.theme)) this.framed = this.made.html + this.theme;
  }

  loaded = (event) => {
    this.framed = null;
    holdLinks(event.target);
    this.put(event.target);
  };

  choice(name, value, letter) {
    return html`<button type="button" class="choice" aria-pressed=${this[name] === value ? "true" : "false"}
      @click=${() => this.show({ [name]: value }, letter)}>${said.templates[value]}</button>`;
  }

  choices(label, name, values, letter) {
    return html`<div class="choices" role="group" aria-label=${label}>${values.map((value) => this.choice(name, value, letter))}</div>`;
  }

  /** The choices above the preview; `whose` chooses the customer. */
  bar(letter, whose) {
    const asHtml = this.as === "html";
    return html`<div class="tp-bar">${this.choices(said.templates.showAs, "as", ["html", "text"], letter)}${
      asHtml ? this.choices(said.templates.width, "width", ["phone", "desktop"], letter) : nothing}${
      asHtml ? this.choices(said.templates.theme, "theme", ["light", "dark"], letter) : nothing}${whose}</div>`;
  }

  /** What is shown, and that it is old when it is. */
  view() {
    const { made, error } = this;
    return html`<div class="tp-shown" aria-busy=${this.renewing ? "true" : "false"}>
      <p class="tp-line">${said.templates.subject}: <b><bdi>${made?.subject ?? "–"}</bdi></b></p>
      <p class="tp-old" role="status">${error ? error.message || said.templates.notRead : this.isOld ? said.templates.isOld : nothing}</p>
      ${this.as === "html"
        ? html`<div class="tp-stage"><iframe class="tp-frame tp-${this.width} tp-${this.theme}" title=${said.templates.frame} sandbox="allow-same-origin" referrerpolicy="no-referrer"
            src=${FRAME} @load=${this.loaded}></iframe></div>`
        : html`<pre class="tp-text" dir="auto" tabindex="0" aria-label=${said.templates.textLabel}>${made?.text ?? ""}</pre>`}
    </div>`;
  }
}
