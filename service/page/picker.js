// A field that finds things by a part of their name: a combobox over a listbox (ARIA 1.2), its options read while one types.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";

/** Pause in typing after which the options are read. */
const TYPING_MS = 150;
/** Characters of a search at most. */
const MAX_SEARCH = 100;

export class Picker {
  /**
   * `read(search)` returns options, `{ id, text, hint }`; `pick(option)` is called with the one that was chosen, after
   * which the field is empty. `changed()` draws again. `id` is the field's, from which its parts have theirs.
   */
  constructor({ id, label, placeholder = "", read, pick, changed }) {
    Object.assign(this, { id, label, placeholder, read, pick, changed });
    this.text = "";
    this.close();
    this.asked = 0;
  }

  close() {
    clearTimeout(this.typing);
    this.options = null;
    this.active = 0;
    this.error = null;
    /** Enter was pressed before the options of the typed text were there. */
    this.enterWaits = false;
    this.asked = (this.asked ?? 0) + 1;
  }

  type(text) {
    this.text = text;
    this.enterWaits = false;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.find(), TYPING_MS);
    this.found = null;
    this.changed();
  }

  /** Reads the options of what is typed; an answer that comes after a newer question is dropped. */
  async find() {
    clearTimeout(this.typing);
    this.asked += 1;
    const { asked, text } = this;
    try {
      const options = await this.read(text.trim());
      if (asked !== this.asked) return;
      Object.assign(this, { options, active: 0, error: null, found: text });
      if (this.enterWaits) this.choose(options[0]);
    } catch (error) {
      if (asked !== this.asked) return;
      Object.assign(this, { options: [], error });
    }
    this.changed();
  }

  choose(option) {
    this.enterWaits = false;
    if (!option) return;
    this.text = "";
    this.close();
    this.pick(option);
    this.changed();
  }

  key(event) {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    const does = { ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1), Enter: () => this.enter(), Escape: () => this.escape() }[event.key];
    if (!does || does() === false) return;
    event.preventDefault();
    event.stopPropagation?.();
    this.changed();
  }

  move(step) {
    if (!this.options) return void this.find();
    if (this.options.length) this.active = (this.active + step + this.options.length) % this.options.length;
    return undefined;
  }

  enter() {
    if (!this.text && !this.options) return void this.find();
    if (this.options && this.found === this.text) this.choose(this.options[this.active]);
    else {
      this.enterWaits = true;
      this.find();
    }
    return undefined;
  }

  /** Closes the options, then empties the field; the Escape after that is the page's. */
  escape() {
    if (!this.options && !this.text) return false;
    if (!this.options) this.text = "";
    this.close();
    return true;
  }

  option = (each, place) => html`<li role="option" id="${this.id}-${place}" class="pick-option ${place === this.active ? "active" : ""}"
    aria-selected=${place === this.active ? "true" : "false"} @click=${() => this.choose(each)}>
    <bdi>${each.text}</bdi>${each.hint ? html` <span class="hint">${each.hint}</span>` : nothing}</li>`;

  list() {
    if (!this.options) return nothing;
    if (this.error) return html`<p class="pick-list hint" role="alert">${this.error.message || said.lists.picker.broken}</p>`;
    if (!this.options.length) return html`<p class="pick-list hint" role="status">${said.lists.picker.none(this.text)}</p>`;
    // Pressing an option must not take the focus from the field.
    return html`<ul id="${this.id}-list" class="pick-list" role="listbox" aria-label=${this.label} @mousedown=${(event) => event.preventDefault()}>${
      this.options.map(this.option)}</ul>`;
  }

  /** The field with its label above it, or only named by it (`unseen`). */
  view({ unseen = false } = {}) {
    const shown = Boolean(this.options?.length);
    return html`<div class="pick"><label for=${this.id} class=${unseen ? "unseen" : ""}>${this.label}</label>
      <input id=${this.id} class="pick-field" type="text" role="combobox" autocomplete="off" spellcheck="false" maxlength=${MAX_SEARCH}
        aria-expanded=${shown ? "true" : "false"} aria-controls=${shown ? `${this.id}-list` : nothing} aria-autocomplete="list"
        aria-activedescendant=${shown ? `${this.id}-${this.active}` : nothing} placeholder=${this.placeholder} .value=${this.text}
        @input=${(event) => this.type(event.target.value)} @keydown=${(event) => this.key(event)}
        @click=${() => this.options ?? this.find()} @blur=${() => { this.close(); this.changed(); }}>
      ${this.list()}</div>`;
  }
}
