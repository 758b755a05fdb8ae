// Correcting an address: what it will do, before it does it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { plan, planLine } from "../plan.js";

const LONGEST_ADDRESS = 320;

/** The domain of an address, with its @. */
const domainOf = (address) => address.slice(address.lastIndexOf("@"));

/** What a suggestion changes: `[same, changed, same]`, the changed part as short as can be. */
export function differing(before, after) {
  let start = 0;
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [after.slice(0, start), after.slice(start, after.length - end), after.slice(after.length - end)];
}

/** A suggestion with its changed letters bold, by its domain alone where the rest stays. */
export function suggestion(before, after) {
  const whole = before.slice(0, -domainOf(before).length) !== after.slice(0, -domainOf(after).length);
  const [start, changed, end] = whole ? differing(before, after) : differing(domainOf(before).slice(1), domainOf(after).slice(1));
  return html`<bdi dir="ltr" class="addr-suggestion">${start}<b>${changed}</b>${end}</bdi>`;
}

/** The plan. `to` is the right address, null where it is typed; `waiting` how many messages wait, null where that is not known. */
export function correctionPlan({ address, to, waiting, busy, fault, act, back, id = "plan" }) {
  const lines = [
    ...(waiting ? [planLine(waiting, said.addresses.goToRight(waiting))] : [html`${waiting === null ? said.addresses.waitingGoes : said.addresses.nothingWaits}`]),
    html`${said.addresses.staysAgainst}`,
  ];
  return plan({
    id, busy, fault, back, lines,
    heading: to === null ? html`${said.addresses.whichIsRight}` : html`${said.addresses.correctTo} <bdi dir="ltr">${to}</bdi>?`,
    fields: to === null
      ? html`<label class="addr-field">${said.addresses.rightAddress}<input name="correctAddress" type="text" inputmode="email" required maxlength=${LONGEST_ADDRESS}
          autocomplete="off" autocapitalize="none" spellcheck="false" dir="ltr" .value=${address}></label>`
      : nothing,
    confirm: waiting ? said.addresses.correctAndRetry(waiting) : said.addresses.correct,
    act: (form) => act(to ?? form.get("correctAddress").trim()),
  });
}
