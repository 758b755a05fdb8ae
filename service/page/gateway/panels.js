// The panels of an order: a pause with its reason and its end, and limits with what is set now.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { number as digits } from "../numbers.js";
import { preference } from "../preferences.js";
import { changesOf, faultyFields, FIELDS } from "./orders.js";
import { pauseEnds } from "./pause-ends.js";

/** Characters of a reason, as the API has it. */
const LONGEST_WHY = 500;
const MOST = { perMinute: 100_000, perDay: 100_000_000, connections: 1_000, warmUpStart: 100_000_000, warmUpFactor: 10 };
const clock = (date) => new Intl.DateTimeFormat(preference("language"), { hour: "numeric", timeZone: preference("zone") }).format(date);

/** The open panel of this relay or domain (null: of one that is still to be named), or nothing. */
export function panelOf(orders, kind, one) {
  if (orders.isOpen("pause", kind, one)) return pausePanel(orders, kind, one);
  return orders.isOpen("limits", kind, one) ? limitsPanel(orders, kind, one) : nothing;
}

const frame = (orders, heading, hint, body, submit) => html`<section class="gw-panel" aria-labelledby="gw-panel-heading" aria-busy=${orders.busy ? "true" : "false"}
  @keydown=${(event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    orders.back();
  }}><form novalidate @submit=${(event) => {
    event.preventDefault();
    submit();
  }}><h3 id="gw-panel-heading">${heading}</h3><p class="hint">${hint}</p>${body}</form></section>`;

const faults = ({ fault }) => html`<div role="alert">${fault ? html`<p class="fault">${fault.message}</p>` : nothing}</div>`;

const field = (orders, name, label, value, more = {}) => html`<label class="gw-field">${label}<input class="gw-input" name=${name} .value=${value}
  type="text" inputmode=${more.inputmode ?? "text"} maxlength=${more.maxlength ?? 20} autocomplete="off" spellcheck="false"
  @input=${(event) => orders.type(name, event.target.value)}></label>`;

const domainField = (orders, one) => (one ? nothing : field(orders, "domain", said.gateway.destinations.domain, orders.domain, { maxlength: 253, inputmode: "url" }));

const nameOf = (one) => one?.name ?? one?.domain ?? null;

function pausePanel(orders, kind, one) {
  const words = said.gateway.pause;
  const why = orders.why ?? words.usual;
  const pause = (until) => orders.pause(until, why, said.gateway.done.paused[kind]);
  const ends = pauseEnds(Date.now(), preference("zone"));
  return frame(orders, words.heading[kind](nameOf(one)), words.hint[kind], html`${domainField(orders, one)}
    ${field(orders, "why", words.why, why, { maxlength: LONGEST_WHY })}${faults(orders)}
    <div class="gw-buttons">${ends.map(({ name, until }, place) => html`<button type=${place ? "button" : "submit"} class="button ${place ? "" : "primary"}" data-acts
      @click=${place ? () => pause(until) : null}>${name === "morning" ? words.ends.morning(clock(until)) : words.ends[name]}</button>`)}
      <button type="button" class="button" @click=${() => orders.back()}>${said.gateway.back}</button></div>`, () => pause(null));
}

const number = (value) => (value === null ? said.gateway.none : digits(value));

/** What the button says: each change with its new and its old value. */
export const changesText = (changes) => changes.map(({ field: name, from, to }) => said.gateway.limits.change[name](number(to), number(from))).join(", ");

function limitsPanel(orders, kind, one) {
  const words = said.gateway.limits;
  const wrong = faultyFields(kind, orders.typed);
  const changes = wrong.length ? [] : changesOf(kind, one, orders.typed);
  const inForce = said.gateway.done.limited[kind];
  return frame(orders, words.heading[kind](nameOf(one)), words.hint, html`<div class="gw-fields">${domainField(orders, one)}${
    FIELDS[kind].map((name) => field(orders, name, words.fields[name], orders.typed[name], { inputmode: "decimal", maxlength: String(MOST[name]).length + 3 }))}</div>
    ${faults(orders)}
    <div class="gw-buttons"><button type="submit" class="button primary" data-acts ?disabled=${!changes.length}>${
      changes.length ? words.set(changesText(changes)) : wrong.length ? words.notNumbers(wrong.map((name) => words.fields[name]).join(", ")) : words.unchanged}</button>
      ${one?.limitSource === "PERSON" ? html`<button type="button" class="button" data-acts @click=${() => orders.asConfigured(inForce)}>${words.asConfigured}</button>` : nothing}
      <button type="button" class="button" @click=${() => orders.back()}>${said.gateway.back}</button></div>`,
  () => changes.length && orders.limit(inForce));
}
