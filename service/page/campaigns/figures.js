// How the campaigns' views write numbers, and draw how far one is.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { number, percent } from "../numbers.js";
import { words } from "../words.js";
import { barOf, handedOver, launched, outcomesOf } from "./outcomes.js";

/** 0.625 -> "62.5%"; nothing is hidden by rounding: less than a thousandth is "< 0.1%", all but a few are "> 99.9%". */
export function share(part) {
  if (part > 0 && part < 0.0005) return `< ${percent(0.001)}`;
  return part < 1 && part >= 0.9995 ? `> ${percent(0.999)}` : percent(part);
}

/** A count of the API: "4,210", "more than 10,000", "about 48,000". */
export function counted({ value, precision }) {
  if (precision === "AT_LEAST") return said.campaigns.moreThan(number(value));
  return precision === "ESTIMATE" ? said.campaigns.about(number(value)) : number(value);
}

/** "Accepted", "Sending": an outcome is named as the state of its messages is. */
export const outcomeName = ({ statuses }) => words.statusShort(statuses[0]);

/** The bar in words. */
export const barWords = (progress) =>
  outcomesOf(progress).map((each) => `${outcomeName(each)} ${number(each.count)}`).join(", ");

/** How far it is: accepted, not sent, undecided, waiting, one after the other. Its words say the same. */
export const progressBar = (progress, { slim = false } = {}) => html`<div class="campaign-bar ${slim ? "slim" : ""}" role="img" aria-label=${barWords(progress)}>${
  launched(progress) ? barOf(progress).map(({ part, count }) => html`<span class="campaign-part ${part}" .style=${`flex-grow:${count}`}></span>`) : nothing}</div>`;

/** "2,694 of 4,210". */
export const doneOf = (progress) => said.campaigns.of(number(handedOver(progress)), number(launched(progress)));

/** A state: its word in a frame, with a sign of its own. */
export const stateBadge = (status) => html`<span class="campaign-state ${status.toLowerCase()}">${said.campaigns.states[status] ?? status}</span>`;

/** A link to the recipients that a number counts. `to` is a place. */
export const numberLink = (value, href, follow) => html`<a class="campaign-number" href=${href} @click=${follow}>${number(value)}</a>`;

/** `/book/spring` of a link; with its host where links lead to several. */
export function shortUrl(url, alone) {
  const found = /^https?:\/\/([^/?#]+)(.*)$/i.exec(url);
  if (!found) return url;
  return alone ? found[2] || "/" : `${found[1]}${found[2]}`;
}

/** Whether all links lead to one host. */
export const isOneHost = (links) => new Set(links.map(({ url }) => /^https?:\/\/([^/?#]+)/i.exec(url)?.[1])).size < 2;
