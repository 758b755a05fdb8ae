// The tabs of one customer's page, and beside them what can be done with all of it: write, print.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { PARTS, writeAddress } from "../address.js";
import { said } from "../language.js";
import { linkTabs } from "../link-tabs.js";
import { customerPlace, partPlace } from "../place-link.js";

/** A link that opens the reader's mail program (RFC 6068); the answer comes to `replyTo`, and so into this history. */
export function mailto(address, replyTo) {
  const to = encodeURIComponent(address).replaceAll("%40", "@");
  return `mailto:${to}${replyTo ? `?reply-to=${encodeURIComponent(replyTo)}` : ""}`;
}

/** Writes to the customer's primary address; nothing where they have none that takes mail. */
function writeLink({ addresses, replyTo }) {
  const to = addresses.find((each) => each.primary) ?? addresses[0];
  if (!to) return nothing;
  return html`<a class="button person-write" href=${mailto(to.address, replyTo)} title=${replyTo ? said.customers.parts.joins : said.customers.parts.joinsNot}>${said.customers.parts.write}</a>`;
}

/** `current` is `emails` or one of PARTS; `print()` prints what is shown. */
export function customerTabs({ reference, customer, current, app, print }) {
  const places = [["emails", customerPlace(reference)], ...PARTS.map((part) => [part, partPlace(reference, part)])];
  return html`<div class="person-tabs">${linkTabs({
    label: said.customers.parts.label,
    tabs: places.map(([name, there]) => ({
      href: writeAddress(there), text: said.customers.parts[name], count: null, current: name === current, follow: app.to(there),
    })),
  })}<div class="person-tools">${customer ? writeLink(customer) : nothing}
    <button type="button" class="button" @click=${print}>${said.customers.parts.print}</button></div></div>`;
}
