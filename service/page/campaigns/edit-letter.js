// What a mailing looks like to one customer, or with the sample data: below its subject and template.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { findCustomers, readLetter } from "./edit-queries.js";
import { said } from "../language.js";
import { Picker } from "../picker.js";
import { FRAME, holdLinks, putLetter } from "../templates/letter-frame.js";

/** A customer as an option: name or reference, and the address. */
export const customerOption = ({ id, name, externalRef, addresses }) =>
  ({ id, text: name ?? externalRef, hint: (addresses.find((each) => each.primary) ?? addresses[0])?.address ?? externalRef });

export class LetterPreview {
  constructor(editor) {
    this.editor = editor;
    /** The key of the mailing that is looked at, or null. */
    this.key = null;
    /** `html` or `text`. */
    this.as = "html";
    this.customer = null;
    this.letter = null;
    /** The HTML that the frame shows. */
    this.framed = null;
    this.fault = null;
    this.picker = new Picker({
      id: "edit-reader", label: said.edit.letter.as, placeholder: said.edit.letter.findCustomer, changed: () => editor.app.changed(),
      read: editor.app.guard(async (search) => [{ id: null, text: said.edit.letter.sample }, ...(await findCustomers(search)).map(customerOption)]),
      pick: (option) => { this.customer = option.id ? option : null; this.read(); },
    });
  }

  async toggle(mailing) {
    this.key = this.key === mailing.key ? null : mailing.key;
    this.letter = null;
    this.editor.app.changed();
    if (this.key) await this.read();
  }

  /** Reads the letter as it was saved last. */
  async read() {
    const { editor, key } = this;
    const mailing = editor.draft.mailings.find((each) => each.key === key);
    this.fault = null;
    try {
      await editor.saver.flush();
      const letter = mailing.id ? await editor.app.guard(readLetter)(mailing.id, this.customer?.id ?? null) : null;
      if (this.key !== key) return;
      this.letter = letter;
      this.fault = letter ? null : said.edit.letter.none;
    } catch (error) {
      this.fault = error.message || said.edit.letter.none;
    }
    editor.app.changed();
  }

  drawn(root) {
    const frame = root.querySelector(".edit-frame");
    if (!frame) this.framed = null;
    else if (this.letter && this.framed !== this.letter.html) this.put(frame);
  }

  put(frame) {
    if (this.letter && putLetter(frame, this.letter.html)) this.framed = this.letter.html;
  }

  loaded = ({ target }) => {
    this.framed = null;
    holdLinks(target);
    this.put(target);
  };

  choice(as, text) {
    const choose = () => { this.as = as; this.editor.app.changed(); };
    return html`<button type="button" class="choice" aria-pressed=${this.as === as ? "true" : "false"} @click=${choose}>${text}</button>`;
  }

  shown() {
    const words = said.edit.letter;
    if (!this.letter) return nothing;
    return html`<p><b><bdi>${this.letter.subject}</bdi></b></p>
      <div class="choices" role="group" aria-label=${words.asWhat}>${this.choice("html", "HTML")}${this.choice("text", words.plain)}</div>
      ${this.as === "html"
        ? html`<iframe class="edit-frame" title=${words.frame} sandbox="allow-same-origin" referrerpolicy="no-referrer" src=${FRAME} @load=${this.loaded}></iframe>`
        : html`<pre class="preview-text" dir="auto" tabindex="0" role="group" aria-label=${words.text}>${this.letter.text}</pre>`}`;
  }

  view(mailing) {
    const words = said.edit.letter;
    const open = this.key === mailing.key;
    return html`<button type="button" class="link" aria-expanded=${open ? "true" : "false"} @click=${() => this.toggle(mailing)}>${open ? words.hide : words.show}</button>
      ${open ? html`<div class="edit-letter">${this.picker.view()}
        <p class="hint">${this.customer ? words.forCustomer(this.customer.text) : words.forSample}</p>
        ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}${this.shown()}</div>` : nothing}`;
  }
}
