// A customer's addresses: edit, add, take away, make primary, lift what stands against one.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { warnOf } from "../address-warning.js";
import { correctionPlan } from "../addresses/correction.js";
import { against, liftPlan } from "../addresses/lift.js";
import { correctAddress, liftSuppression, suppressAgain } from "../addresses/queries.js";
import { inTwo } from "../addresses/rows.js";
import { Refused } from "../errors.js";
import { said } from "../language.js";
import { failure, skeleton } from "../notices.js";
import { focusPlan, plan } from "../plan.js";
import { readAddresses, replaceAddresses } from "./part-queries.js";

/** Addresses of one customer, as the API takes them. */
const MOST = 20;

export class AddressesPart {
  constructor(page) {
    this.page = page;
    this.list = null;
    this.found = null;
    this.error = null;
    /** What is asked: `{ kind, address, busy, fault }`; `kind` is `edit`, `lift` or `add`. */
    this.asked = null;
    this.warnings = [];
    this.read = page.app.guard(readAddresses);
    this.look();
  }

  resume() {
    if (!this.asked) this.look();
  }

  look = async () => {
    this.error = null;
    try {
      this.found = await this.read(this.page.customer.id);
    } catch (error) {
      this.error = error;
    }
    this.page.app.changed();
  };

  ask(kind, address = null) {
    this.asked = { kind, address, busy: false, fault: null };
    this.page.afterDrawing(() => focusPlan(document.querySelector(".person-part") ?? document));
  }

  back = () => {
    const { kind, address } = this.asked;
    this.asked = null;
    this.page.afterDrawing(() => [...document.querySelectorAll(`.person-part [data-kind="${kind}"]`)].find((each) => (each.dataset.address || null) === address)?.focus());
  };

  /** Does something, says it, and reads everything again. */
  async act(work, asked = this.asked) {
    const { app } = this.page;
    if (asked) Object.assign(asked, { busy: true, fault: null });
    this.fault = null;
    app.changed();
    try {
      const { text, undo = null, warnings = [] } = await work();
      this.asked = null;
      this.warnings = warnings;
      app.undoable(text, undo && (async () => {
        await undo();
        await this.reread();
      }));
      await this.reread();
      this.page.afterDrawing(() => document.activeElement === document.body && document.getElementById("main")?.focus({ preventScroll: true }));
    } catch (error) {
      if (asked) asked.fault = error.message;
      else this.fault = error.message;
    }
    if (asked) asked.busy = false;
    app.changed();
  }

  reread() {
    return Promise.all([this.look(), this.page.renew()]);
  }

  /** Replaces the whole list by what `change` makes of it as it stands now; `typed` is an address that comes to it. */
  replace(change, text, asked, typed = null) {
    const { app, customer } = this.page;
    return this.act(async () => {
      if (typed) await warnOf(typed);
      const found = await this.read(customer.id);
      if (!found) throw new Refused(said.emails.noCustomer);
      const { externalRef, addresses } = found;
      const before = addresses.map((each) => each.address);
      const warnings = await app.guard(replaceAddresses)(externalRef, change(before));
      return { text, warnings, undo: () => app.guard(replaceAddresses)(externalRef, before) };
    }, asked);
  }

  makePrimary = (address) => this.replace((all) => [address, ...all.filter((each) => each !== address)], said.customers.parts.nowPrimary(address), null);

  takeAway = (address) => this.replace((all) => all.filter((each) => each !== address), said.customers.parts.tookAway(address), null);

  add = (address) => this.replace((all) => (all.includes(address) ? all : [...all, address]), said.customers.parts.addedAddress(address), this.asked, address);

  correct(address, right) {
    const { app, customer } = this.page;
    return this.act(async () => {
      await warnOf(right);
      const retried = await app.guard(correctAddress)({ customerId: customer.id, address, correctAddress: right });
      const undo = retried ? null : () => app.guard(correctAddress)({ customerId: customer.id, address: right, correctAddress: address, retry: false });
      return { text: said.addresses.corrected(right, retried), undo };
    });
  }

  lift(address, input) {
    return this.act(async () => {
      const { released, id } = await this.page.app.guard(liftSuppression)({ address, ...input });
      return { text: said.addresses.lifted(address, released), undo: () => this.page.app.guard(suppressAgain)(id) };
    });
  }

  plan({ address, suppression }) {
    const shared = { id: "person-plan", address, busy: this.asked.busy, fault: this.asked.fault, back: this.back };
    if (this.asked.kind === "lift" && suppression) return liftPlan({ ...shared, suppression, act: (input) => this.lift(address, input) });
    return correctionPlan({ ...shared, to: null, waiting: null, act: (right) => this.correct(address, right) });
  }

  addPlan() {
    const { busy, fault } = this.asked;
    return plan({
      id: "person-plan", busy, fault, back: this.back, heading: said.customers.parts.addAddress, lines: [said.customers.parts.addAddressWhy],
      fields: html`<label class="addr-field">${said.customers.parts.newAddress}<input name="address" type="text" inputmode="email" required maxlength="320"
        autocomplete="off" autocapitalize="none" spellcheck="false" dir="ltr"></label>`,
      confirm: said.customers.parts.addIt,
      act: (form) => this.add(form.get("address").trim()),
    });
  }

  button(kind, address, text, run) {
    return html`<button type="button" class="button" data-acts data-kind=${kind} data-address=${address ?? ""} aria-label=${address ? `${text}: ${address}` : text} @click=${run}>${text}</button>`;
  }

  item = (each, number, all) => {
    const { address, primary, suppression } = each;
    return html`<li class="person-address">
      <p class="person-address-line">${inTwo(address)}${primary ? html`<span class="mark">${said.customers.parts.primary}</span>` : nothing}</p>
      ${suppression ? html`<p class="addr-why">${against(this.page.app, suppression)}</p>` : nothing}
      ${this.page.app.readOnly ? nothing : html`<div class="person-buttons">
        ${this.button("edit", address, said.addresses.edit, () => this.ask("edit", address))}
        ${primary ? nothing : this.button("primary", address, said.customers.parts.makePrimary, () => this.makePrimary(address))}
        ${suppression ? this.button("lift", address, said.addresses.lift, () => this.ask("lift", address)) : nothing}
        ${all.length > 1 ? this.button("away", address, said.customers.parts.takeAway, () => this.takeAway(address)) : nothing}</div>`}
      ${this.asked?.address === address ? this.plan(each) : nothing}</li>`;
  };

  view() {
    if (this.error && !this.found) return failure(this.error, this.look);
    if (!this.found) return skeleton(3);
    const { addresses, replyTo } = this.found;
    return html`${addresses.length
        ? html`<ul class="person-addresses">${addresses.map(this.item)}</ul>`
        : html`<p class="hint">${said.customers.parts.noAddresses}</p>`}
      ${this.warnings.map((text) => html`<p class="person-warning">${text}</p>`)}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.page.app.readOnly || addresses.length >= MOST ? nothing
        : this.asked?.kind === "add" ? this.addPlan()
          : html`<div class="person-bar">${this.button("add", null, said.customers.parts.addAddress, () => this.ask("add"))}</div>`}
      ${replyTo ? html`<p class="person-reply">${said.customers.parts.replyTo} <code>${replyTo}</code></p>` : nothing}`;
  }
}
