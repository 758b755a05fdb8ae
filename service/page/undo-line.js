// The line that says what was just done, with Undo: it stays until the next action, without a timer.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { said } from "./language.js";

export class UndoLine {
  /** `changed()` renders the page again, `acted()` is told that something was done or undone, `visit(place)` goes there. */
  constructor(changed, acted = () => {}, visit = () => {}) {
    Object.assign(this, { changed, acted, visit });
    this.last = null;
  }

  /**
   * Says what was done. `undo()`, if it can be undone, is async; what it throws is said and Undo stays. `instead()` is where
   * to go once it is undone, null to stay: what is shown may be no more.
   */
  undoable(text, undo = null, instead = () => null) {
    this.last = { text, undo, instead, busy: false, fault: null };
    this.acted();
    this.changed();
  }

  /** Whether there is something to undo. */
  get can() {
    return Boolean(this.last?.undo) && !this.last.busy;
  }

  async undo() {
    const { last } = this;
    if (!this.can) return;
    Object.assign(last, { busy: true, fault: null });
    this.changed();
    try {
      await last.undo();
      this.acted();
      const place = last.instead();
      if (place) this.visit(place);
      if (this.last === last) this.last = { text: said.shell.undone(last.text), undo: null, busy: false, fault: null };
    } catch (error) {
      last.fault = error.message || said.shell.unexpected;
    }
    last.busy = false;
    this.keepFocus();
    this.changed();
  }

  close = () => {
    this.last = null;
    this.keepFocus();
    this.changed();
  };

  /** The button that was pressed goes away: the focus goes to the view. */
  keepFocus() {
    if (document.activeElement?.closest?.(".undo-line")) document.getElementById("main")?.focus({ preventScroll: true });
  }

  view() {
    const { last } = this;
    return html`<div class="undo-line" ?hidden=${!last}>
      <p role="status">${last ? html`${last.text}${last.fault ? html` <b class="red">${said.shell.notUndone(last.fault)}</b>` : nothing}` : nothing}</p>
      ${last?.undo ? html`<button type="button" class="link" data-acts aria-keyshortcuts="Z" ?disabled=${last.busy}
        @click=${() => this.undo()}>${said.shell.undo}</button>` : nothing}
      ${last ? html`<button type="button" class="round" aria-label=${said.shell.close} title=${said.shell.close} @click=${this.close}>${icons.close}</button>` : nothing}
    </div>`;
  }
}
