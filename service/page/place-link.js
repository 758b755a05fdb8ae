// A link to another place of this page.
import { html } from "./vendor/lit-html/lit-html.js";
import { writeAddress } from "./address.js";

export const placeLink = (app, place, content, name = "") =>
  html`<a class=${name} href=${writeAddress(place)} @click=${app.to?.(place)}>${content}</a>`;

/** One customer's mail. */
export const customerPlace = (id) => ({ view: "emails", customer: id, tab: "sent" });

/** One part of a customer's page beside their mail: `lists`, `campaigns`, `addresses` or `choices`. */
export const partPlace = (id, part) => ({ view: "customer", customer: id, part });

/** One message as a page of its own. */
export const messagePlace = (id) => ({ view: "messages", path: [id], query: {} });

/** One campaign. */
export const campaignPlace = (id) => ({ view: "campaigns", path: [id], query: {} });

/** A customer's name as a link to their mail; their reference where no name is known. */
export const customerLink = (app, customer) => placeLink(app, customerPlace(customer.id), html`<bdi>${customer.name ?? customer.externalRef}</bdi>`);
