// The test message of a draft: mailed to an address of the reader's, and remembered in this browser.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { firstLetter } from "./edit-checks.js";
import { letterOf } from "./edit-draft.js";
import { sendTest } from "./edit-queries.js";
import { newKey } from "../idempotency-key.js";
import { said } from "../language.js";
import { momentText } from "../moments.js";

const ADDRESSES = "testAddresses";
/** As the API has it. */
const MOST = 5;

/** What this browser keeps under a name, or null: some browsers keep nothing. */
function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // It is known until the page is left.
  }
}

/** The API keeps a test message in no history, so this browser keeps when the last one went and what letter it had. */
const recordName = (id) => `tested:${id}`;

export class TestMessage {
  constructor(editor) {
    this.editor = editor;
    this.to = kept(ADDRESSES) ?? "";
    this.tested = null;
    this.state = "idle";
    this.fault = null;
    this.results = [];
  }

  /** Reads what this browser knows of the draft's last test message. */
  load() {
    this.tested = this.editor.id ? kept(recordName(this.editor.id)) : null;
  }

  send = async () => {
    const { editor } = this;
    const addresses = this.to.split(/[\s,;]+/).filter(Boolean).slice(0, MOST);
    const mailing = firstLetter(editor.draft);
    if (this.state === "sending") return;
    if (!addresses.length) return this.refuse(said.edit.test.noAddress);
    if (!mailing) return this.refuse(said.edit.test.noLetter);
    Object.assign(this, { state: "sending", fault: null, results: [] });
    editor.app.changed();
    try {
      await editor.saver.flush();
      if (!mailing.id) return this.refuse(editor.saver.faults.get(mailing.key)?.message ?? said.edit.test.notSaved);
      await this.mail(mailing, addresses);
    } catch (error) {
      this.fault = error.message || said.edit.test.notSent;
    }
    this.state = "idle";
    return editor.app.changed();
  };

  refuse(fault) {
    Object.assign(this, { state: "idle", fault });
    this.editor.app.changed();
  }

  async mail(mailing, addresses) {
    const { editor } = this;
    const letter = letterOf(editor.draft, mailing);
    this.results = await editor.app.guard(sendTest)({ mailingId: mailing.id, addresses, idempotencyKey: newKey() });
    keep(ADDRESSES, this.to);
    if (this.results.some(({ verdict }) => verdict === "REFUSED")) return;
    this.tested = { letter, to: addresses.join(", "), at: new Date().toISOString() };
    keep(recordName(editor.id), this.tested);
    editor.app.announce(said.edit.checks.test.sent(this.tested.to, momentText(this.tested.at)));
    editor.next();
  }

  view() {
    const words = said.edit.test;
    const submit = (event) => {
      event.preventDefault();
      this.send();
    };
    return html`<form class="edit-line" @submit=${submit}>
        <div class="edit-field"><label for="edit-test">${words.to}</label>
          <input id="edit-test" type="text" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="1700"
            aria-describedby="edit-test-hint" .value=${this.to} @input=${(event) => { this.to = event.target.value; }}></div>
        <button type="submit" class="button" data-acts aria-disabled=${this.state === "sending" ? "true" : "false"}>${this.state === "sending" ? words.sending : words.send}</button></form>
      <p id="edit-test-hint" class="hint">${words.hint}</p>
      <p class="fault" role="alert">${this.fault ?? nothing}</p>
      ${this.results.length ? html`<div role="status"><ul class="edit-results">${this.results.map(({ address, verdict, response }) => html`<li><bdi>${address}</bdi>:
        ${words.verdict[verdict]}${response ? html` <span class="answer">${response.code} ${response.text}</span>` : nothing}</li>`)}</ul></div>` : nothing}`;
  }
}
