// The first tab of a message: why it went as it did, what can be done, and everything that happened.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { failureReport } from "./delivery-report.js";
import { deliveryTimeline, serverResponse } from "./delivery-timeline.js";
import { said } from "../language.js";
import { messageActions } from "./message-actions.js";
import { messageFacts } from "./message-facts.js";
import { distance, exactMoment } from "../moments.js";
import { receivedMail } from "./received-mail.js";
import { hintClass } from "../status-icon.js";
import { waitOf, words } from "../words.js";

function why(info) {
  if (info.colorHint === "GREY" && info.status !== "CANCELLED") return nothing;
  const waits = info.colorHint === "AMBER" && (info.waitsFor || info.nextAttemptAt)
    ? html`<p class="waits">${waitOf(info)} ${info.nextAttemptAt
      ? html`${said.message.nextTry(distance(info.nextAttemptAt))} <span class="when-exactly">${exactMoment(info.nextAttemptAt)}</span>` : nothing}</p>`
    : nothing;
  if (!info.cause && !info.advice && waits === nothing) return nothing;
  return html`<section class="why ${hintClass(info.colorHint)}">
    ${info.cause ? html`<p class="cause">${words.sentence(words.cause(info.cause))}</p>` : nothing}
    ${info.advice ? html`<p class="advice">${said.words.advice(info.cause, info.advice)}</p>` : nothing}${waits}
  </section>`;
}

/** The reports that say where a message is now, of which the newest counts. */
const WHEREABOUTS = ["DELAYED", "DELIVERED", "RELAYED", "EXPANDED"];

/** What came later of a message that stays accepted: its reader called it spam, or a server still tries to pass it on. */
function later({ info, events }) {
  if (info.status !== "ACCEPTED" || !events) return nothing;
  const ofCustomer = events.nodes.filter((each) => !each.copy);
  const complaint = ofCustomer.find((each) => each.kind === "COMPLAINED");
  const newest = ofCustomer.findLast((each) => WHEREABOUTS.includes(each.kind) && each.report?.verified);
  const found = complaint ?? (newest?.kind === "DELAYED" && !info.report ? newest : null);
  if (!found) return nothing;
  return html`<section class="why ${complaint ? "red" : "amber"}"><p class="cause">${words.event(found.kind)}.</p>
    <p class="when-exactly">${exactMoment(found.occurredAt)}</p></section>`;
}

function eventList(sheet) {
  const { message } = sheet;
  if (message.direction === "RECEIVED" && message.events?.nodes.length === 0) return nothing;
  return html`<section aria-labelledby="timeline-heading"><h3 id="timeline-heading">${said.message.events}</h3>${
    deliveryTimeline(message.events, { show: (id) => sheet.turn(id), more: sheet.readOn })}</section>`;
}

export function outcomeTab(sheet) {
  const { message } = sheet;
  const { info } = message;
  return html`${message.direction === "RECEIVED" ? receivedMail(message, (id) => sheet.turn(id)) : nothing}
    ${why(info)}
    ${later(message)}
    ${info.response ? html`<section aria-labelledby="response-heading"><h3 id="response-heading">${said.message.serverResponse}</h3>${serverResponse(info.response)}</section>` : nothing}
    ${failureReport(info.report)}
    ${sheet.mayAct === false ? nothing : messageActions(sheet, message)}
    ${messageFacts(message, sheet)}
    ${eventList(sheet)}`;
}
