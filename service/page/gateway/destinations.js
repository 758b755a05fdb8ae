// Destinations: domains with a limit, a pause or a stop, then those that most messages wait for.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { notice } from "../notices.js";
import { said } from "../language.js";
import { panelOf } from "./panels.js";
import { destinationRow } from "./rows.js";

/** A domain of which nothing is set. */
const bare = ({ domain, rate }) => ({
  domain, rate, perMinute: null, perDay: null, connections: null, capToday: null, sentToday: null, nextSlot: null, warmUpStart: null, warmUpFactor: null,
  warmUpSince: null, pausedUntil: null, pausedWhy: null, pausedBy: null, stoppedAt: null, stoppedWhy: null,
});

/** All that are shown, with how much waits: those with something set by name, then the others in the order first seen. */
export function shownDestinations({ destinations, domains }, order) {
  const depths = new Map((domains ?? []).map((each) => [each.domain, each.depth]));
  const set = new Set(destinations.map(({ domain }) => domain));
  const place = (domain) => (order.includes(domain) ? order.indexOf(domain) : order.length);
  const others = (domains ?? []).filter(({ domain }) => !set.has(domain)).sort((one, other) => place(one.domain) - place(other.domain)).map(bare);
  return [...destinations, ...others].map((one) => ({ one, depth: depths.get(one.domain) ?? null }));
}

export function destinations(view) {
  const words = said.gateway.destinations;
  const shown = shownDestinations(view.data, view.domainOrder);
  const add = (panel, text) => html`<button type="button" class="button" data-opens=${panel} @click=${() => view.orders.open(panel, "destination", null)}>${text}</button>`;
  return html`<section class="gw-part" aria-labelledby="gw-destinations"><h2 id="gw-destinations">${words.heading}</h2>
    <p class="hint">${words.hint}</p>
    ${view.app.readOnly ? nothing : html`<div class="gw-add gw-buttons">${add("pause", words.pauseOne)}${add("limits", words.limitOne)}</div>`}
    ${panelOf(view.orders, "destination", null)}
    ${shown.length ? html`<ul class="gw-rows">${shown.map(({ one, depth }) => destinationRow(view, one, depth))}</ul>`
      : notice({ heading: words.none, text: words.noneText, level: 3 })}</section>`;
}
