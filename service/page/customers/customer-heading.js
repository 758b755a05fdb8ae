// The customer's name, addresses, suppressions and opt-outs.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { words } from "../words.js";

function address(each) {
  const blocked = each.suppressedSince
    ? html`<span class="badge red">${icons.failed}<span>${said.emails.suppressed(words.suppression(each.suppressionReason), moment(each.suppressedSince))}</span></span>`
    : nothing;
  return html`<li><bdi>${each.address}</bdi>${blocked}</li>`;
}

const optOut = (choice, what) => choice
  ? html`<li><span class="badge amber">${icons.uncertain}<span>${said.emails.optedOut(what, moment(choice.optedOutAt))}, ${words.optOutSource(choice.source)}${
      choice.by === "customer" ? "" : ` (${choice.by})`}</span></span></li>`
  : nothing;

/** The page's heading. */
export function customerHeading(customer, back) {
  const { addresses, optOuts } = customer;
  const bare = !customer.name && !addresses.length;
  const known = customer.latestEmail
    ? said.emails.erasedWhy
    : said.emails.nothingSent;
  return html`<header class="heading">
    <a class="back" href="/customers" @click=${back}>${icons.back}${said.shell.views.customers}</a>
    <h1><bdi>${customer.name ?? customer.externalRef}</bdi></h1>
    ${bare
      ? html`<p class="bare">${said.emails.nothingKnown} ${known}</p>`
      : nothing}
    <ul class="facts">
      ${customer.name ? html`<li class="ref">${customer.externalRef}</li>` : nothing}
      ${addresses.map(address)}
      ${optOut(optOuts.marketing, words.optOutKind("MARKETING"))}
      ${optOut(optOuts.eventBased, words.optOutKind("EVENT_BASED"))}
    </ul>
  </header>`;
}
