// What a mailing looks like to one customer, or with the sample data: beside its subject and template.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { findCustomers, readLetter } from "./edit-queries.js";
import { said } from "../language.js";
import { Picker } from "../picker.js";

/** A customer as an option: name or reference, and the address. */
export const customerOption = ({ id, name, externalRef, addresses }) =>
  ({ id, text: name ?? externalRef, hint: (addresses.find((each) => each.primary) ?? addresses[0])?.address ?? externalRef });

export class LetterPreview {
  constructor(editor) {
    this.editor = editor;
    /** The key of the mailing that is looked at, or null. */
    this.key = null;
    this.customer = null;
    this.letter = null;
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

  view(mailing) {
    const words = said.edit.letter;
    const open = this.key === mailing.key;
    return html`<button type="button" class="link" aria-expanded=${open ? "true" : "false"} @click=${() => this.toggle(mailing)}>${open ? words.hide : words.show}</button>
      ${open ? html`<div class="edit-letter">${this.picker.view()}
        <p class="hint">${this.customer ? words.forCustomer(this.customer.text) : words.forSample}</p>
        ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
        ${this.letter ? html`<p><b><bdi>${this.letter.subject}</bdi></b></p>
          <pre class="preview-text" dir="auto" tabindex="0" aria-label=${words.text}>${this.letter.text}</pre>` : nothing}</div>` : nothing}`;
  }
}
