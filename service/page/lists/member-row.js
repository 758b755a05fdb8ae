// One member of a list: who, since when and by whom, and the button that takes it off.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { moment } from "../moments.js";

/** The customer's address, which breaks before its domain. */
function addressOf({ addresses }) {
  const shown = addresses.find(({ primary }) => primary) ?? addresses[0];
  if (!shown) return said.lists.noAddress;
  const at = shown.address.lastIndexOf("@") + 1;
  return html`<bdi>${shown.address.slice(0, at)}<wbr>${shown.address.slice(at)}</bdi>${shown.suppressedSince ? html` <span class="mark">${said.lists.suppressed}</span>` : nothing}`;
}

/** `remove` takes it off the list; null where that cannot be done. */
export function memberRow({ customer, addedAt, by }, { cursor, app, remove }) {
  const there = { view: "emails", customer: customer.id };
  const name = customer.name ?? customer.externalRef;
  return html`<div class="list-row" data-cursor=${cursor}>
    <span class="list-who"><a class="list-name" href=${writeAddress(there)} @click=${app.to(there)}><bdi>${name}</bdi></a>
      <span class="list-whose">${customer.name ? html`<span class="ref">${customer.externalRef}</span> ` : nothing}${addressOf(customer)}</span></span>
    <span class="list-kind">${by ? said.lists.addedBy(by) : nothing}</span>
    <span class="when">${moment(addedAt)}</span>
    <span class="list-count">${remove ? html`<button type="button" class="link" data-acts aria-label=${said.lists.removeOne(name)} @click=${remove}>${said.lists.remove}</button>` : nothing}</span></div>`;
}
