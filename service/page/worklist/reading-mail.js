// A received mail that is nobody's, opened below its row: read, then assigned or set aside there.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said, withWords } from "../language.js";

export class ReadingMail {
  constructor(triage) {
    this.triage = triage;
    /** The key of the row below which it is open, or null. */
    this.key = null;
    this.part = null;
  }

  /** The module of the part; empty, and said, where it cannot be had. */
  async load() {
    try {
      return await withWords(import("../unmatched/unmatched-mail.js"), "unmatched", "find");
    } catch {
      this.triage.app.announce(said.shell.notLoaded);
      return {};
    }
  }

  /** Opens it; `seek` asks at once whose it is. */
  async open(mail, { seek = false } = {}) {
    const { triage } = this;
    const { UnmatchedMail } = await this.load();
    if (!UnmatchedMail) return;
    let bringBack = null;
    this.part = new UnmatchedMail({ id: mail.id }, {
      app: triage.app,
      settled: () => {
        this.key = null;
        bringBack = triage.leaves(mail.id);
        triage.poll();
      },
      reopened: () => bringBack?.(),
    });
    this.part.toFocus = "#unmatched-heading";
    if (seek) this.part.seek();
    this.key = mail.id;
    triage.app.changed();
  }

  close = () => {
    this.triage.focusNext = this.key;
    this.key = null;
    this.triage.app.changed();
  };

  onKey = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    this.close();
  };

  view(key) {
    if (this.key !== key) return nothing;
    return html`<div class="wl-reading" @keydown=${this.onKey}>${this.part.view()}
      <button type="button" class="link" @click=${this.close}>${said.shell.close}</button></div>`;
  }

  drawn(root) {
    if (this.key !== null) this.part.drawn(root);
  }
}
