// The mail whose clicks alone are listed: what the chip on Links Clicked says of it.

export class SelectedMail {
  /** `lists` are those that may have its row, `read(id)` reads it otherwise. */
  constructor({ lists, read, changed }) {
    Object.assign(this, { lists, read, changed });
    /** `{ id, text, tracked, customer }`, `text` null while it is not known; null when none is selected. */
    this.found = null;
  }

  get tracked() {
    return this.found?.tracked ?? true;
  }

  /** Its subject; null when it is another customer's mail, or not known. */
  subjectFor(customer) {
    const { found } = this;
    return found?.customer && found.customer !== customer?.id ? null : found?.text;
  }

  async load(id) {
    if (id === this.found?.id) return;
    this.found = id && (this.among(id) ?? { id, text: null });
    if (!id || this.found.text) return;
    const message = await this.read(id).catch(() => null);
    if (this.found?.id === id && message) this.found = { id, text: message.subject, tracked: message.info.tracked, customer: message.customer.id };
    this.changed();
  }

  /** Once more, where it could not be read. */
  retry(id) {
    if (this.found?.text) return;
    this.found = null;
    this.load(id);
  }

  /** As its row says. */
  among(id) {
    for (const list of this.lists) {
      for (const { node } of list.rows()) if (node.message.id === id) return { id, text: node.subject ?? node.title, tracked: node.info.tracked };
    }
    return null;
  }
}
