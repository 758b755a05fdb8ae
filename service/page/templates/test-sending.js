// A test mail of the letter as it is now, published or not, to addresses of one's own.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { newKey } from "../idempotency-key.js";
import { said } from "../language.js";
import { inputOf } from "./letter-source.js";
import { readSenders, sendTest } from "./queries.js";

const KEPT = "template-test-addresses";
/** Characters of the addresses at most: five of 320. */
const LONGEST = 1_700;

const kept = () => {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
};

const keep = (text) => {
  try {
    localStorage.setItem(KEPT, text);
  } catch {
    // Typed again the next time.
  }
};

/** The addresses of a text: between commas, semicolons or spaces. */
export const addressesOf = (text) => text.split(/[\s,;]+/).filter(Boolean);

export class TestSending {
  /** `now()` returns the letter and the customer that the preview shows. */
  constructor(app, now) {
    Object.assign(this, { app, now, open: false, sending: false, fault: null, results: null, senders: null, key: null });
    this.typed = kept();
    this.send = app.guard(sendTest);
    this.readSenders = app.guard(readSenders);
  }

  stop() {
    this.stopped = true;
  }

  async toggle() {
    Object.assign(this, { open: !this.open, fault: null, results: null });
    this.focusNext = this.open;
    this.app.changed();
    if (!this.open || this.senders) return;
    // Without them it is sent as the default sender.
    this.senders = await this.readSenders().catch(() => []);
    this.app.changed();
  }

  close() {
    this.open = false;
    this.app.changed();
  }

  async submit(event) {
    event.preventDefault();
    if (this.sending) return;
    const sender = new FormData(event.target).get("sender");
    const { letter, customer } = this.now();
    const input = { template: inputOf(letter), addresses: addressesOf(this.typed), customerId: customer?.id ?? null, senderId: sender || null };
    // The same again, as after a lost answer, is sent once.
    const content = JSON.stringify(input);
    if (this.key?.content !== content || this.results) this.key = { content, value: newKey() };
    Object.assign(this, { sending: true, fault: null, results: null });
    this.app.changed();
    try {
      this.results = await this.send({ ...input, idempotencyKey: this.key.value });
      keep(this.typed);
      this.app.announce(this.results.map((each) => said.templates.verdict[each.verdict](each.address)).join(". "));
    } catch (error) {
      this.fault = error.message || said.templates.notSent;
    }
    this.sending = false;
    if (!this.stopped) this.app.changed();
  }

  drawn(root) {
    if (!this.focusNext || !this.open) return;
    this.focusNext = false;
    root.querySelector("#tp-addresses")?.focus();
  }

  result = ({ address, verdict, response }) => html`<li><b>${said.templates.verdict[verdict]?.(address) ?? address}</b>${
    response ? html` <span class="answer">${response.code} ${response.text}</span>` : nothing}</li>`;

  view() {
    const many = addressesOf(this.typed).length;
    return html`<section class="tp-panel" aria-labelledby="test-heading"><h2 id="test-heading">${said.templates.sendTest}</h2>
      <p class="hint">${said.templates.testHint}</p>
      <form class="tp-form" @submit=${(event) => this.submit(event)}>
        <label for="tp-addresses">${said.templates.addresses}</label>
        <input id="tp-addresses" class="tp-field" type="text" inputmode="email" required maxlength=${LONGEST} autocomplete="email" autocapitalize="none" spellcheck="false" dir="ltr"
          .value=${this.typed} @input=${(event) => { this.typed = event.target.value; this.app.changed(); }}>
        ${this.senders?.length ? html`<label for="tp-sender">${said.templates.sender}</label><select id="tp-sender" name="sender" class="tp-field">
          <option value="">${said.templates.defaultSender}</option>${this.senders.map((each) => html`<option value=${each.id}>${each.name}: ${each.from}</option>`)}</select>` : nothing}
        <p class="fault" role="alert">${this.fault ?? nothing}</p>
        ${this.results ? html`<ul class="tp-results">${this.results.map(this.result)}</ul>` : nothing}
        <div class="tp-buttons"><button type="submit" class="button primary" data-acts aria-disabled=${this.sending ? "true" : "false"}>${
          this.sending ? said.templates.testIsSent : said.templates.sendTests(Math.max(many, 1))}</button>
          <button type="button" class="button" @click=${() => this.close()}>${said.templates.close}</button></div>
      </form></section>`;
  }
}
