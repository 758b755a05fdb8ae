// What can be done about a message: a button for each action that the API names; what cannot be taken back has a plan first.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { plan } from "../plan.js";

/** Characters of a reason, as the API keeps it. */
const LONGEST_WHY = 500;

/** What each action's plan says, and the fields of its form. Those without a plan are done at once. */
const PLANS = {
  RETRY: ({ info }) => ({ lines: [said.message.plans.RETRY[info.status === "UNCERTAIN" ? "uncertain" : "usual"]] }),
  RETRY_TO_PRESENT_ADDRESS: (message) => ({
    lines: [html`${said.message.plans.RETRY_TO_PRESENT_ADDRESS.to} <bdi>${primary(message)}</bdi>.`,
      ...(message.info.to ? [html`${said.message.plans.RETRY_TO_PRESENT_ADDRESS.was} <bdi>${message.info.to}</bdi>.`] : [])],
  }),
  CANCEL: () => ({ lines: [said.message.plans.CANCEL.usual] }),
  LIFT_SUPPRESSION: (message) => ({
    lines: [html`<bdi>${closed(message)}</bdi> ${said.message.plans.LIFT_SUPPRESSION.usual}`],
    fields: html`<label>${said.message.plans.LIFT_SUPPRESSION.why}<input type="text" name="why" required maxlength=${LONGEST_WHY} autocomplete="off"></label>
      <label class="tick"><input type="checkbox" name="releaseHeld" checked> ${said.message.plans.LIFT_SUPPRESSION.release}</label>`,
    input: (form) => ({ address: closed(message), why: form.get("why"), releaseHeld: form.has("releaseHeld") }),
  }),
  CORRECT_ADDRESS: (message) => ({
    lines: [said.message.plans.CORRECT_ADDRESS.usual],
    fields: html`<label>${said.message.plans.CORRECT_ADDRESS.address}<input type="text" inputmode="email" name="correctAddress" required maxlength="320" autocomplete="off"
      autocapitalize="none" spellcheck="false" dir="ltr" value=${message.info.to}></label>`,
    input: (form) => ({ customerId: message.customer.id, address: message.info.to, correctAddress: form.get("correctAddress") }),
  }),
  BELIEVE_REPORT: (message) => ({
    lines: [said.message.plans.BELIEVE_REPORT.usual],
    input: () => ({ reportId: doubted(message)?.id }),
  }),
};

/** The report for which nothing vouches: the customer's, or that of a copy. */
const doubted = ({ info }) => [info, ...info.copies].map((each) => each.report).find((report) => report && !report.verified);

const primary = ({ customer }) => customer.addresses.find((each) => each.primary)?.address;

/** The suppressed address that keeps the message: the customer's, or that of a copy. */
function closed({ info }) {
  const copy = info.copies.find((each) => each.status === "HELD" && each.cause === "SUPPRESSED");
  return copy && !["SUPPRESSED", "BAD_ADDRESS"].includes(info.cause) ? copy.address : info.to;
}

function asked(action, sheet, message) {
  const { lines, fields, input } = PLANS[action](message);
  const { heading, confirm } = said.message.plans[action];
  return plan({
    heading, lines, confirm, fields,
    id: "info-plan",
    busy: sheet.acting,
    fault: sheet.fault,
    act: (form) => sheet.act(action, message.id, input ? input(form) : { messageId: message.id }),
    back: () => sheet.ask(null),
  });
}

/** The buttons, or the plan of one; nothing when nothing can be done. */
export function messageActions(sheet, message) {
  const possible = message.actions.filter((action) => Object.hasOwn(said.message.actions, action));
  if (possible.includes(sheet.asked)) return asked(sheet.asked, sheet, message);
  if (!possible.length && !sheet.fault) return nothing;
  return html`<div class="actions">${possible.map((action) => html`<button type="button" class="button" data-acts data-action=${action} ?disabled=${sheet.acting}
      @click=${() => sheet.ask(action)}>${said.message.actions[action]}</button>`)}
    <p class="fault" role="alert">${sheet.fault ?? nothing}</p></div>`;
}
