// Lifting a suppression: what stands against the address comes first.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { messagePlace, placeLink } from "../place-link.js";
import { plan } from "../plan.js";
import { words } from "../words.js";

/** Characters of a reason, as the API keeps it. */
const LONGEST_WHY = 500;

/** Why an address must not be mailed: since when, by whom, in whose words, by what evidence. */
export function against(app, { reason, scope, suppressedAt, by, why, message }) {
  return html`<b class="red">${words.sentence(words.suppression(reason)).slice(0, -1)}</b> · ${said.addresses.scopes[scope] ?? scope}
    <span class="addr-since">${said.addresses.since} ${moment(suppressedAt)}, ${said.addresses.by} <bdi>${said.addresses.actors[by] ?? by}</bdi>${
      why ? html`: “<bdi>${why}</bdi>”` : nothing}${
      message ? html` · ${placeLink(app, messagePlace(message.id), said.addresses.evidence)}` : nothing}</span>`;
}

/** The plan. `act({ why, releaseHeld })` does it. */
export function liftPlan({ address, suppression, busy, fault, act, back, id = "plan" }) {
  const { reason, suppressedAt, heldMessages } = suppression;
  return plan({
    id, busy, fault, back,
    heading: html`${said.addresses.mayBeMailed} <bdi dir="ltr">${address}</bdi>?`,
    lines: [html`${said.addresses.warnings[reason] ?? nothing} ${said.addresses.standsSince} ${moment(suppressedAt)}.`],
    fields: html`<label class="addr-field">${said.addresses.whyLift}<input name="why" type="text" required maxlength=${LONGEST_WHY} autocomplete="off"></label>
      ${heldMessages ? html`<label class="addr-tick"><input name="releaseHeld" type="checkbox" checked> ${said.addresses.release(heldMessages)}</label>` : nothing}`,
    confirm: said.addresses.liftIt,
    act: (form) => act({ why: form.get("why").trim(), releaseHeld: form.has("releaseHeld") }),
  });
}
