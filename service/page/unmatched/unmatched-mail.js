// One received mail that is nobody's: read, then assigned to a customer or set aside. The worklist opens it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { digitOf } from "../bulk-bar.js";
import { FindBox } from "../find-box.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { skeleton } from "../notices.js";
import { assignMail, findCustomers, offered, readSentTo, readUnmatched, setAside, undoAssign } from "./queries.js";

/** Guesses that have a button each; the others are found by typing. */
const GUESSES = 3;
/** Reports are about a message: the API wants to know which. */
const REPORTS = new Set(["BOUNCE", "COMPLAINT"]);

export class UnmatchedMail {
  /**
   * `mail` has the fields of UNMATCHED_FIELDS, or only an `id`: then it is read. `settled(mail)` is called when it is
   * nobody's no more, `reopened(mail)` after Undo. `readOnly` shows no action.
   */
  constructor(mail, { app, settled = () => {}, reopened = () => {}, readOnly = app.readOnly }) {
    Object.assign(this, { app, mail, settled, reopened, readOnly });
    /** `reading`, `ready`, `gone` or `error`. */
    this.state = mail.kind ? "ready" : "reading";
    this.back();
    this.busy = false;
    this.finder = new FindBox({
      id: "unmatched-customer", label: () => said.unmatched.customer, find: app.guard(findCustomers), pick: (customer) => this.choose(customer), changed: app.changed,
    });
    if (this.state === "reading") this.read();
  }

  async read() {
    try {
      const found = await this.app.guard(readUnmatched)(this.mail.id);
      this.state = found ? "ready" : "gone";
      this.mail = found ?? this.mail;
    } catch (error) {
      this.state = "error";
      this.fault = error.message;
    }
    this.app.changed();
  }

  /** Back to the buttons. */
  back = () => {
    /** `customer` while one is sought, `message` while it is chosen what a report is about, else null. */
    this.step = null;
    this.customer = null;
    this.messages = null;
    this.fault = null;
    this.app.changed();
  };

  seek = () => {
    this.finder.clear();
    this.step = "customer";
    this.toFocus = "#unmatched-customer";
    this.app.changed();
  };

  /** This customer's; of a report it is asked which message it is about. */
  async choose(customer) {
    this.customer = customer;
    if (!REPORTS.has(this.mail.kind)) return this.assign(null);
    this.step = "message";
    this.toFocus = ".unmatched .find-item, .unmatched .unmatched-back";
    try {
      this.messages = await this.app.guard(readSentTo)(customer.id);
    } catch (error) {
      this.messages = [];
      this.fault = error.message;
    }
    return this.app.changed();
  }

  assign(messageId) {
    const { customer, mail } = this;
    return this.act(async () => {
      const became = await this.app.guard(assignMail)(mail.id, customer.id, messageId);
      // A report joins a message that was there before: the API takes only what it became itself back.
      return { text: said.unmatched.assigned(customer.name), undo: REPORTS.has(mail.kind) ? null : () => undoAssign(became) };
    });
  }

  setAside = () =>
    this.act(async () => {
      await this.app.guard(setAside)(this.mail.id);
      return { text: said.unmatched.wasSetAside, undo: () => setAside(this.mail.id, false) };
    });

  async act(work) {
    if (this.busy) return;
    this.busy = true;
    this.fault = null;
    this.app.changed();
    try {
      const { text, undo } = await work();
      this.state = "gone";
      this.app.undoable(text, undo && (() => this.takeBack(undo)));
      this.settled(this.mail);
    } catch (error) {
      this.fault = error.message;
    }
    this.busy = false;
    this.app.changed();
  }

  async takeBack(undo) {
    await this.app.guard(undo)();
    this.state = "ready";
    this.back();
    this.reopened(this.mail);
  }

  /** What can be done, in the order of the digits. */
  actions() {
    if (this.readOnly || this.state !== "ready" || this.step) return [];
    const guesses = this.mail.candidates.slice(0, GUESSES).map(offered);
    return [
      ...guesses.map((customer) => ({ name: html`<bdi>${customer.name}</bdi>?`, title: said.unmatched.assignTo(customer.name), run: () => this.choose(customer) })),
      { name: said.unmatched.assign, run: this.seek },
      { name: said.unmatched.setAside, run: this.setAside },
    ];
  }

  onKey = (event) => {
    if (event.key === "Escape" && this.step && !event.isComposing) {
      event.preventDefault();
      event.stopPropagation();
      this.toFocus = ".unmatched .button";
      this.back();
      return;
    }
    const action = this.app.offline ? null : this.actions()[digitOf(event)];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action.run();
  };

  /** After each rendering: where the keyboard goes when something else is asked. */
  drawn(root) {
    const found = this.toFocus && root.querySelector(this.toFocus);
    if (!found) return;
    this.toFocus = null;
    found.focus();
  }

  facts() {
    const { mail } = this;
    const fact = (name, value) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);
    return html`<dl class="facts-of-mail">
      ${fact(said.unmatched.from, html`<bdi>${mail.from ?? said.unmatched.noSender}</bdi>`)}
      ${fact(said.unmatched.to, mail.to && html`<bdi>${mail.to}</bdi>`)}
      ${fact(said.unmatched.received, moment(mail.receivedAt))}
      ${fact(said.unmatched.kind, said.unmatched.kinds[mail.kind] ?? mail.kind)}
      ${fact(said.unmatched.why, said.unmatched.reasons[mail.reason] ?? mail.reason)}
    </dl>`;
  }

  buttons() {
    const shown = this.actions();
    if (!shown.length) return nothing;
    return html`<div class="actions">${shown.map(({ name, title, run }, place) => html`<button type="button" class="button ${place ? "" : "primary"}" data-acts
      title=${title ?? nothing} aria-keyshortcuts=${place + 1} aria-disabled=${this.busy ? "true" : "false"} @click=${run}><kbd aria-hidden="true">${place + 1}</kbd> ${name}</button>`)}</div>`;
  }

  /** What is asked before it can be assigned. */
  question() {
    if (!this.step) return nothing;
    const back = html`<button type="button" class="button unmatched-back" @click=${this.back}>${said.shared.back}</button>`;
    if (this.step === "customer") return html`${this.finder.view()}<div class="actions">${back}</div>`;
    return html`<div class="find-box"><p id="unmatched-messages">${said.unmatched.whichMessage(this.customer.name)}</p>
      ${this.messages === null ? skeleton(3) : html`<ul class="find-list" aria-labelledby="unmatched-messages">${this.messages.map((message) => html`<li><button
        type="button" class="find-item" data-acts @click=${() => this.assign(message.id)}><bdi>${message.title ?? said.unmatched.subjectErased}</bdi> <small>${moment(message.occurredAt)}</small></button></li>`)}</ul>
        ${this.messages.length ? nothing : html`<p class="hint">${said.unmatched.noMessages}</p>`}`}
      </div><div class="actions">${back}</div>`;
  }

  view() {
    const { mail, state } = this;
    if (state === "reading") return html`<section class="unmatched">${skeleton(3)}</section>`;
    if (state === "gone") return html`<section class="unmatched"><p class="hint">${said.unmatched.gone}</p></section>`;
    if (state === "error") return html`<section class="unmatched"><p class="fault" role="alert">${this.fault}</p></section>`;
    return html`<section class="unmatched" aria-labelledby="unmatched-heading" @keydown=${this.onKey}>
      <h2 id="unmatched-heading" tabindex="-1"><bdi>${mail.subject ?? said.unmatched.noSubject}</bdi></h2>
      ${this.facts()}
      ${mail.excerpt ? html`<div class="letter-text" dir="auto">${mail.excerpt}</div>` : html`<p class="hint">${said.unmatched.noText}</p>`}
      ${this.buttons()}${this.question()}
      <p class="fault" role="alert">${this.fault ?? nothing}</p>
    </section>`;
  }
}
