// What a customer chose not to get: who set it, when and how; changed with Undo, or by a plan where they chose themselves.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { focusPlan, plan } from "../plan.js";
import { words } from "../words.js";
import { setOptOut } from "./part-queries.js";

const KINDS = { MARKETING: "marketing", EVENT_BASED: "eventBased" };

export class ChoicesPart {
  constructor(page) {
    this.page = page;
    this.list = null;
    /** The kind about which is asked: `{ kind, busy, fault }`. */
    this.asked = null;
    this.busy = null;
    this.fault = null;
  }

  resume() {
    this.page.renew();
  }

  async set(kind, optedOut, { undoable = true } = {}) {
    const { app, customer } = this.page;
    if (this.busy) return;
    this.busy = kind;
    this.fault = null;
    app.changed();
    try {
      await app.guard(setOptOut)(customer.id, kind, optedOut);
      const undo = async () => {
        await app.guard(setOptOut)(customer.id, kind, !optedOut);
        await this.page.renew();
      };
      app.undoable(said.customers.parts.chosen[KINDS[kind]][optedOut ? "out" : "in"], undoable ? undo : null);
      this.asked = null;
      await this.page.renew();
    } catch (error) {
      this.fault = error.message;
    }
    this.busy = null;
    app.changed();
  }

  /** A switch was pressed. What the customer chose themselves is not overruled without a plan. */
  toggle = (kind) => {
    const choice = this.page.customer.optOuts[KINDS[kind]];
    if (choice && choice.source !== "STAFF") {
      this.asked = { kind };
      this.page.afterDrawing(() => focusPlan(document.querySelector(".person-part") ?? document));
    } else {
      this.set(kind, !choice);
    }
  };

  back = () => {
    const { kind } = this.asked;
    this.asked = null;
    this.page.afterDrawing(() => document.getElementById(`choice-${kind}`)?.focus());
  };

  plan(kind, choice) {
    return plan({
      id: "person-plan", busy: this.busy === kind, fault: this.fault, back: this.back,
      heading: said.customers.parts.allowAgain[KINDS[kind]],
      lines: [html`${said.customers.parts.choseSelf} ${words.optOutSource(choice.source)}, ${moment(choice.optedOutAt)}.`, said.customers.parts.onlyIfAsked],
      confirm: said.customers.parts.allowIt[KINDS[kind]],
      act: () => this.set(kind, false, { undoable: false }),
    });
  }

  since(choice) {
    if (!choice) return html`<span class="hint">${said.customers.parts.maySend}</span>`;
    return html`<span class="hint">${said.customers.parts.notSince} ${moment(choice.optedOutAt)}, ${words.optOutSource(choice.source)}${
      choice.by === "customer" ? nothing : html` (<bdi>${choice.by}</bdi>)`}</span>`;
  }

  item = (kind) => {
    const choice = this.page.customer.optOuts[KINDS[kind]];
    const name = said.customers.parts.choice[KINDS[kind]];
    // The box is drawn as the API says, not as it was pressed.
    const press = (event) => {
      event.target.checked = !choice;
      this.toggle(kind);
    };
    return html`<li class="person-choice">${this.page.app.readOnly
        ? html`<p><b>${name}</b>: ${choice ? said.customers.parts.off : said.customers.parts.on}</p>`
        : html`<label class="switch"><input type="checkbox" role="switch" id="choice-${kind}" data-acts .checked=${!choice} ?disabled=${this.busy === kind}
            @change=${press}><span>${name}</span></label>`}
      ${this.since(choice)}${this.asked?.kind === kind && choice ? this.plan(kind, choice) : nothing}</li>`;
  };

  view() {
    return html`<ul class="person-choices">${Object.keys(KINDS).map(this.item)}</ul>
      ${this.fault && !this.asked ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      <p class="hint">${said.customers.parts.individual}</p>`;
  }
}
