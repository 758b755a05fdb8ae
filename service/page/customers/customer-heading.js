// The customer's name, addresses, suppressions and opt-outs.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { moment } from "../moments.js";
import { words } from "../words.js";

function address(each) {
  const blocked = each.suppressedSince
    ? html`<span class="badge red">${icons.failed}<span>Suppressed: ${words.suppression(each.suppressionReason)}, since ${moment(each.suppressedSince)}</span></span>`
    : nothing;
  return html`<li><bdi>${each.address}</bdi>${blocked}</li>`;
}

const optOut = (choice, what) => choice
  ? html`<li><span class="badge amber">${icons.uncertain}<span>No ${what} since ${moment(choice.optedOutAt)}, ${words.optOutSource(choice.source)}${
      choice.by === "customer" ? "" : ` (${choice.by})`}</span></span></li>`
  : nothing;

/** The page's heading. */
export function customerHeading(customer, back) {
  const { addresses, optOuts } = customer;
  const bare = !customer.name && !addresses.length;
  const known = customer.latestEmail
    ? "The customer was erased, or both were taken out of the CRM. What stays are times, codes, causes and counts."
    : "No mail was sent to this customer yet.";
  return html`<header class="heading">
    <a class="back" href="/" @click=${back}>${icons.back}Customers</a>
    <h1><bdi>${customer.name ?? customer.externalRef}</bdi></h1>
    ${bare
      ? html`<p class="bare">No name and no address are known. ${known}</p>`
      : nothing}
    <ul class="facts">
      ${customer.name ? html`<li class="ref">${customer.externalRef}</li>` : nothing}
      ${addresses.map(address)}
      ${optOut(optOuts.marketing, "marketing campaigns")}
      ${optOut(optOuts.eventBased, "event-based campaigns")}
    </ul>
  </header>`;
}
