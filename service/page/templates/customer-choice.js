// Whose data a preview has: the sample's, or a customer's that is searched for.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { findCustomers } from "./queries.js";

/** Pause in typing after which the search runs. */
const TYPING_MS = 200;
/** Characters of a search at most, as in the list of customers. */
const MAX_SEARCH = 320;

export class CustomerChoice {
  /** `chosen(customer)` is called with `{ id, name, attributes }`, or null for the sample. */
  constructor(app, chosen) {
    this.app = app;
    this.chosen = chosen;
    this.find = app.guard(findCustomers);
    this.found = null;
    this.error = null;
  }

  stop() {
    clearTimeout(this.typing);
    this.asking?.abort();
  }

  type(text) {
    this.stop();
    if (text.trim()) this.typing = setTimeout(() => this.look(text.trim()), TYPING_MS);
    else Object.assign(this, { found: null, error: null });
    this.app.changed();
  }

  async look(search) {
    this.asking = new AbortController();
    try {
      this.found = await this.find(search, { signal: this.asking.signal });
      this.error = null;
    } catch (error) {
      if (error.name === "AbortError") return;
      Object.assign(this, { found: [], error });
    }
    this.app.changed();
  }

  choose(event, customer) {
    const details = event.target.closest("details");
    details.open = false;
    details.querySelector("summary").focus();
    this.chosen(customer && { id: customer.id, name: customer.name ?? customer.externalRef, attributes: customer.attributes });
  }

  key(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    const details = event.target.closest("details");
    details.open = false;
    details.querySelector("summary").focus();
  }

  results() {
    if (this.error) return html`<p class="hint" role="alert">${this.error.message || said.templates.notRead}</p>`;
    if (!this.found) return nothing;
    if (!this.found.length) return html`<p class="hint" role="status">${said.templates.nobodyFound}</p>`;
    return html`<ul>${this.found.map((each) => html`<li><button type="button" class="tp-pick" @click=${(event) => this.choose(event, each)}>
      <bdi>${each.name ?? each.externalRef}</bdi> <span class="ref">${each.externalRef}</span></button></li>`)}</ul>`;
  }

  view(current) {
    return html`<details class="tp-whose" @keydown=${(event) => this.key(event)}>
      <summary class="button">${said.templates.data}: <bdi>${current?.name ?? said.templates.sample}</bdi></summary>
      <div class="tp-menu"><button type="button" class="tp-pick" aria-pressed=${current ? "false" : "true"} @click=${(event) => this.choose(event, null)}>${said.templates.sample}</button>
        <label for="tp-customer">${said.templates.searchCustomer}</label>
        <input id="tp-customer" class="tp-field" type="search" maxlength=${MAX_SEARCH} autocomplete="off" spellcheck="false" @input=${(event) => this.type(event.target.value)}>
        ${this.results()}</div></details>`;
  }
}
