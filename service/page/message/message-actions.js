// What can be done about a mail: a button for each action that the API names, then a question or a small form.
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Characters of a reason, as the API keeps it. */
const LONGEST_WHY = 500;

/** Each action: its button, its question, a warning, and the fields of its form; `yes` is the button that does it. */
const ACTIONS = {
  RETRY: ({ info }) => ({
    name: "Try again", sure: "Send it again?", yes: "Yes, try again",
    warning: info.status === "UNCERTAIN"
      ? "Nobody knows whether the server took it: the customer may get it twice."
      : "It goes back to the queue and is sent as soon as it is its turn.",
  }),
  RETRY_TO_PRESENT_ADDRESS: (message) => ({
    name: "Send to the present address", sure: html`Send it to <bdi>${primary(message)}</bdi>?`, yes: "Yes, send it there",
    warning: message.info.to ? html`It was for <bdi>${message.info.to}</bdi>. The history keeps both.` : nothing,
  }),
  ASSUME_SENT: () => ({
    name: "Assume sent", sure: "Count it as sent?", yes: "Yes, assume sent",
    warning: "It is not tried again. The history keeps that this was your decision.",
  }),
  CANCEL: () => ({
    name: "Cancel the mail", sure: "Cancel it?", yes: "Yes, cancel it",
    warning: "It is not sent. What a server has taken already cannot be taken back.",
  }),
  LIFT_SUPPRESSION: (message) => ({
    name: "Lift the suppression", sure: html`May <bdi>${closed(message)}</bdi> be mailed again?`, yes: "Lift the suppression",
    warning: nothing,
    fields: html`<label>Why<input type="text" name="why" required maxlength=${LONGEST_WHY} autocomplete="off"></label>
      <label class="tick"><input type="checkbox" name="releaseHeld" checked> Send what is held for it</label>`,
    input: (form) => ({ address: closed(message), why: form.get("why"), releaseHeld: form.has("releaseHeld") }),
  }),
  CORRECT_ADDRESS: (message) => ({
    name: "Correct the address", sure: "Which address is right?", yes: "Correct the address",
    warning: "The customer's address is replaced, and mail that waits goes to the right one.",
    fields: html`<label>Address<input type="text" inputmode="email" name="correctAddress" required maxlength="320" autocomplete="off"
      autocapitalize="none" spellcheck="false" dir="ltr" value=${message.info.to}></label>`,
    input: (form) => ({ customerId: message.customer.id, address: message.info.to, correctAddress: form.get("correctAddress") }),
  }),
  BELIEVE_REPORT: (message) => ({
    name: "Believe it", sure: "Is the report true?", yes: "Yes, it came back",
    warning: "It counts from then on as if it carried our token: the mail came back, and its address may be suppressed.",
    input: () => ({ reportId: doubted(message)?.id }),
  }),
};

/** The report for which nothing vouches: the customer's, or that of a copy. */
const doubted = ({ info }) => [info, ...info.copies].map((each) => each.report).find((report) => report && !report.verified);

const primary = ({ customer }) => customer.addresses.find((each) => each.primary)?.address;

/** The suppressed address that keeps the mail: the customer's, or that of a copy. */
function closed({ info }) {
  const copy = info.copies.find((each) => each.status === "HELD" && each.cause === "SUPPRESSED");
  return copy && !["SUPPRESSED", "BAD_ADDRESS"].includes(info.cause) ? copy.address : info.to;
}

const fault = (sheet) => html`<p class="fault" role="alert">${sheet.fault ?? nothing}</p>`;

function question(action, sheet, message) {
  const { sure, yes, warning, fields, input } = ACTIONS[action](message);
  const submit = (event) => {
    event.preventDefault();
    sheet.act(action, message.id, input ? input(new FormData(event.target)) : { messageId: message.id });
  };
  return html`<form class="actions asked" aria-labelledby="asked-heading" @submit=${submit}>
    <p><b id="asked-heading">${sure}</b> ${warning}</p>
    ${fields ?? nothing}
    ${fault(sheet)}
    <button type="submit" class="button primary" ?disabled=${sheet.acting}>${yes}</button>
    <button type="button" class="button" @click=${() => sheet.ask(null)}>No</button></form>`;
}

/** The buttons, or what was asked for; nothing when nothing can be done. */
export function messageActions(sheet, message) {
  const possible = message.actions.filter((action) => Object.hasOwn(ACTIONS, action));
  if (possible.includes(sheet.asked)) return question(sheet.asked, sheet, message);
  if (!possible.length && !sheet.fault) return nothing;
  return html`<div class="actions">${possible.map((action) => html`<button type="button" class="button" data-action=${action}
      @click=${() => sheet.ask(action)}>${ACTIONS[action](message).name}</button>`)}
    ${fault(sheet)}</div>`;
}
