// Finds one thing by typing: a field, and below it what the API finds, each a button. Enter takes the first.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";

/** Pause in typing after which it is searched. */
const TYPING_MS = 150;
/** Characters of a search at most, as the API takes them. */
const MAX_SEARCH = 320;
const STEP = { ArrowDown: 1, ArrowUp: -1 };

export class FindBox {
  /** `find(text)` resolves to items `{ id, name, detail }`; `pick(item)` takes one; `label()` names the field, whose id is `id`. */
  constructor({ id, label, find, pick, changed }) {
    Object.assign(this, { id, label, find, pick, changed });
    this.clear();
  }

  clear() {
    clearTimeout(this.typing);
    this.text = "";
    /** The text whose result is shown, or under way. */
    this.asked = "";
    /** What was found; null before anything was asked. */
    this.found = null;
    this.fault = null;
    /** Whether Enter was pressed before the result had come. */
    this.wanted = false;
  }

  type(text) {
    this.text = text;
    this.wanted = false;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.run(), TYPING_MS);
  }

  async run() {
    clearTimeout(this.typing);
    const text = this.text.trim().slice(0, MAX_SEARCH);
    if (text === this.asked) return this.takeFirst();
    this.asked = text;
    if (!text) {
      this.found = null;
      return this.changed();
    }
    let found = [];
    let fault = null;
    try {
      found = await this.find(text);
    } catch (error) {
      fault = error.message;
    }
    if (this.asked !== text) return undefined;
    // What could not be read is asked for again by Enter.
    if (fault !== null) this.asked = null;
    [this.found, this.fault] = [found, fault];
    this.takeFirst();
    return this.changed();
  }

  takeFirst() {
    const first = this.found?.[0];
    if (!this.wanted || !first) return;
    this.wanted = false;
    this.pick(first);
  }

  onFieldKey = (event) => {
    // This Enter confirms a word of an input method.
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.wanted = true;
      this.run();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      event.target.closest(".find-box").querySelector(".find-item")?.focus();
    }
  };

  onListKey = (event) => {
    const step = STEP[event.key];
    const items = [...event.currentTarget.querySelectorAll(".find-item")];
    const here = items.indexOf(event.target.closest(".find-item"));
    if (!step || here < 0) return;
    event.preventDefault();
    (items[here + step] ?? (step < 0 ? document.getElementById(this.id) : null))?.focus();
  };

  result() {
    if (this.fault !== null) return html`<p class="fault" role="alert">${this.fault}</p>`;
    if (this.found === null) return nothing;
    return html`<ul class="find-list" @keydown=${this.onListKey}>${this.found.map((item) => html`<li><button type="button" class="find-item"
        @click=${() => this.pick(item)}><bdi>${item.name}</bdi>${item.detail ? html` <small><bdi>${item.detail}</bdi></small>` : nothing}</button></li>`)}</ul>
      <p class=${this.found.length ? "unseen" : "hint"} role="status">${said.find.found(this.found.length)}</p>`;
  }

  view() {
    return html`<div class="find-box"><label for=${this.id}>${this.label()}</label>
      <input id=${this.id} type="search" maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false" .value=${this.text}
        @input=${(event) => this.type(event.target.value)} @keydown=${this.onFieldKey}>
      ${this.result()}</div>`;
  }
}
