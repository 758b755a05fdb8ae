// The rows of relays and of destinations: state, why, until when, what they may get, and what a person can do.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { distance, moment } from "../moments.js";
import { link, messagesOf, today } from "./links.js";
import { panelOf } from "./panels.js";
import { isHeld, mark, stateLine, stateOf, whyOf } from "./standing.js";

const joined = (facts) => facts.filter((fact) => fact !== null).map((fact) => html`<li>${fact}</li>`);

/** Sent today, as a link to these messages. */
const sentToday = (view, one, query) => (one.sentToday === null ? null : link(view.app, messagesOf({ ...query, from: today() }), said.gateway.facts.today(one.sentToday, one.capToday)));

const warmUp = ({ warmUpStart, warmUpFactor }) => (warmUpStart === null ? null : said.gateway.facts.warmUp(warmUpStart, warmUpFactor ?? 2));

/** The buttons of a row, the first one first for the keyboard. */
function actions(view, kind, one, state) {
  if (view.app.readOnly) return nothing;
  const words = said.gateway;
  const name = one.name ?? one.domain;
  const button = (action, run) => html`<button type="button" class="button" data-acts data-opens=${action} aria-label=${words.actionOf[kind](words.actions[action], name)} @click=${run}>${words.actions[action]}</button>`;
  const tryNow = state === "stopped" || state === "resting";
  const { orders } = view;
  return html`<div class="gw-actions">${isHeld(state)
    ? button(tryNow ? "tryNow" : "resume", () => orders.resume(kind, one, words.done[tryNow ? "tried" : "resumed"][kind](name))) : nothing}${
    state === "paused" ? nothing : button("pause", () => orders.open("pause", kind, one))}${
    button("limits", () => orders.open("limits", kind, one))}</div>`;
}

function row(view, kind, one, { facts, below = nothing }) {
  const state = stateOf(one);
  const why = isHeld(state) ? whyOf(one, state) : null;
  const name = one.name ?? one.domain;
  const fault = view.orders.faultOf(kind, one);
  return html`<li class="gw-row ${state === "stopped" ? "gw-stopped" : ""}" data-of=${kind} data-name=${name}>
    ${mark(state)}
    <div class="gw-main"><h3 class="gw-name"><bdi>${name}</bdi></h3><p class="gw-state">${stateLine(one, state)}</p>
      ${why ? html`<p class="gw-why">${why}</p>` : nothing}<ul class="gw-facts">${joined(facts)}</ul></div>
    ${actions(view, kind, one, state)}
    ${fault ? html`<p class="fault gw-wide" role="alert">${fault}</p>` : nothing}
    ${panelOf(view.orders, kind, one)}${below}</li>`;
}

/** A relay; `below` is what the tab of relays shows beneath it. */
export function relayRow(view, relay, below) {
  const { facts: words } = said.gateway;
  return row(view, "relay", relay, {
    below,
    facts: [
      sentToday(view, relay, { relay: relay.name, status: "accepted" }), words.perMinute(relay.perMinute), relay.perDay === null ? null : words.perDay(relay.perDay), warmUp(relay),
      relay.limitedBy ? words.limitedBy(relay.limitedBy) : relay.perMinute === null && relay.perDay === null ? null : words.configured,
      relay.seenAt ? html`<span title=${relay.seenAt}>${words.seen} ${distance(relay.seenAt)}</span>` : null,
    ],
  });
}

/** A destination; `depth` is how much waits for it, null when it is not among the deepest. */
export function destinationRow(view, one, depth) {
  const { facts: words, destinations } = said.gateway;
  const waiting = depth === null ? null : link(view.app, messagesOf({ domain: one.domain, status: "queued,deferred" }), destinations.waits(depth));
  return row(view, "destination", one, {
    below: nothing,
    facts: [
      waiting, words.rate(60 * one.rate), sentToday(view, one, { domain: one.domain, status: "accepted" }), one.perMinute === null ? null : words.perMinute(one.perMinute),
      one.perDay === null ? null : words.perDay(one.perDay), one.connections === null ? null : words.connections(one.connections), warmUp(one),
    ],
  });
}

/** Troubles and orders of a relay, the newest first. */
export function eventsOf(events) {
  const words = said.gateway;
  if (!events?.length) return html`<p class="hint">${words.relays.noEvents}</p>`;
  return html`<ol class="gw-events">${events.map((event) => html`<li>${moment(event.occurredAt)} <b>${words.event[event.kind] ?? event.kind}</b>${
    event.by ? html` <bdi>${event.by}</bdi>` : nothing}${event.domain ? html` <bdi>${event.domain}</bdi>` : nothing}${
    event.until ? html` ${words.eventUntil} ${moment(event.until)}` : nothing}${
    event.response ? html`<span class="gw-why">${event.code ? `${event.code} ` : ""}${event.response}</span>` : nothing}</li>`)}</ol>`;
}
