// One customer's page beside their mail: one of its parts below the heading and the tabs.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { Drawings } from "../drawings.js";
import { said } from "../language.js";
import { drawnTabs } from "../link-tabs.js";
import { failure, notice, skeleton } from "../notices.js";
import { watchBlocks } from "../row-blocks.js";
import { AddressesPart } from "./addresses-part.js";
import { CampaignsPart } from "./campaigns-part.js";
import { ChoicesPart } from "./choices-part.js";
import { customerHeading } from "./customer-heading.js";
import { customerTabs } from "./customer-tabs.js";
import { ListsPart } from "./lists-part.js";
import { PrintHistory } from "./print-history.js";
import { readCustomer } from "./queries.js";

const PARTS = { lists: ListsPart, campaigns: CampaignsPart, addresses: AddressesPart, choices: ChoicesPart };

/**
 * A part is made with `(page)`, whose `customer` is known by then; it has `view()`, `resume()` and, if any, `list` (what
 * is printed whole). What it changes it says by `app.undoable`, then `page.renew()` reads the heading again.
 */
export class CustomerPart {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.customer = null;
    /** `loading`, `ready`, `unknown` or `error`. */
    this.state = "loading";
    this.parts = {};
    this.drawings = new Drawings(() => app.changed());
    this.afterDrawing = this.drawings.after;
    this.read = app.guard(readCustomer);
    this.printing = new PrintHistory(() => this.part?.list ?? null, app);
  }

  get title() {
    const name = this.customer ? (this.customer.name ?? this.customer.externalRef) : null;
    return [name, said.customers.parts[this.place.part]].filter(Boolean).join(" · ");
  }

  shows(place) {
    return place.view === "customer" && place.customer === this.place.customer;
  }

  leave() {
    this.printing.stop();
    for (const part of Object.values(this.parts)) part.leave?.();
  }

  arrive(place) {
    this.place = place;
    if (this.state !== "ready") this.renew();
    else this.show();
    this.app.changed();
  }

  resume() {
    if (this.state === "error") this.renew();
    else this.part?.resume();
  }

  /** Reads the heading again, and at first shows the part. */
  renew = async () => {
    try {
      const found = await this.read(this.place.customer);
      this.customer = found;
      this.state = found ? "ready" : "unknown";
      if (found) this.show();
    } catch (error) {
      if (!this.customer) this.state = "error";
      this.error = error;
    }
    this.app.changed();
  };

  /** For the palette. */
  actions() {
    return [{ name: said.customers.parts.print, run: this.printing.print }];
  }

  get part() {
    return this.parts[this.place.part];
  }

  show() {
    this.parts[this.place.part] ??= new PARTS[this.place.part](this);
  }

  drawn(root) {
    watchBlocks(root);
    drawnTabs(root);
    this.drawings.drawn();
  }

  view() {
    const { customer, place, state } = this;
    if (state === "unknown") {
      return notice({
        level: 1, heading: said.emails.noCustomer, text: html`${said.emails.noCustomerWhy(html`<bdi class="ref">${place.customer}</bdi>`)}`,
        action: html`<a class="button" href="/customers" @click=${this.app.toList}>${said.emails.allCustomers}</a>`,
      });
    }
    if (state === "error") return failure(this.error, this.renew);
    return html`${customer ? customerHeading(customer, this.app.toList) : html`<div class="heading"><h1 class="unseen">${said.customers.parts[place.part]}</h1>${skeleton(2)}</div>`}
      ${customerTabs({ reference: place.customer, customer, current: place.part, app: this.app, print: this.printing.print })}
      ${this.printing.view()}
      <section class="person-part" aria-label=${said.customers.parts[place.part]}>${this.part?.view() ?? (customer ? nothing : skeleton())}</section>`;
  }
}
