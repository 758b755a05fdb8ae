// The popover of the info icon: the outcome of one mail, explained, beside the server's response.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { doubt, failureReport, reportWords } from "./delivery-report.js";
import { deliveryTimeline, serverResponse } from "./delivery-timeline.js";
import { icons } from "../icons.js";
import { mailItself } from "./mail-itself.js";
import { messageActions } from "./message-actions.js";
import { distance, exactMoment } from "../moments.js";
import { failure, NO_SUCH_MAIL, notice, skeleton } from "../notices.js";
import { files, receivedMail } from "./received-mail.js";
import { hintClass, statusIcon, statusShape } from "../status-icon.js";
import { templatePreview } from "./template-preview.js";
import { counted, waitOf, words } from "../words.js";

const fact = (name, value) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);

function why(info) {
  if (info.colorHint === "GREY" && info.status !== "CANCELLED") return nothing;
  const waits = info.colorHint === "AMBER" && (info.waitsFor || info.nextAttemptAt)
    ? html`<p class="waits">${waitOf(info)} ${
        info.nextAttemptAt ? html`Next try ${distance(info.nextAttemptAt)}: <span class="when-exactly">${exactMoment(info.nextAttemptAt)}</span>` : nothing}</p>`
    : nothing;
  if (!info.cause && !info.advice && waits === nothing) return nothing;
  return html`<section class="why ${hintClass(info.colorHint)}">
    ${info.cause ? html`<p class="cause">${words.sentence(words.cause(info.cause))}</p>` : nothing}
    ${info.advice ? html`<p class="advice">${info.advice}</p>` : nothing}${waits}
  </section>`;
}

/** The reports that say where a mail is now, of which the newest counts. */
const WHEREABOUTS = ["DELAYED", "DELIVERED", "RELAYED", "EXPANDED"];

/** What came later of a mail that stays sent: its reader called it spam, or a server still tries to pass it on. */
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

function copies(info) {
  if (!info.copies.length) return nothing;
  return html`<div><dt>Copies</dt><dd><ul class="copies">${info.copies.map((copy) => html`<li>
    ${statusIcon(copy)}<span>${copy.role} <bdi>${copy.name ? `${copy.name} <${copy.address}>` : copy.address}</bdi>
      <span class="copy-status">${words.status(copy.status)}${copy.cause ? ` (${words.cause(copy.cause)})` : ""}</span>
      ${copy.advice && copy.colorHint !== "GREY" ? html`<span class="copy-status">${copy.advice}</span>` : nothing}
      ${copy.report ? html`<details class="copy-status"><summary>The report of this copy${doubt(copy.report)}</summary>${reportWords(copy.report)}</details>` : nothing}</span></li>`)}</ul></dd></div>`;
}

function facts(message, { showClicks, download }) {
  const { info } = message;
  const kind = message.letterKind ? `, ${message.letterKind.toLowerCase().replaceAll("_", " ")}` : "";
  return html`<dl class="facts-of-mail">
    ${fact("To", info.to && html`<bdi>${info.to}</bdi>`)}
    ${message.received ? nothing : fact("From", info.from && html`<bdi>${info.from}</bdi>`)}
    ${copies(info)}
    ${fact(message.direction === "RECEIVED" ? "Received" : "Put on its way", exactMoment(message.occurredAt))}
    ${fact("Server took it", info.sentAt && exactMoment(info.sentAt))}
    ${fact("Opened", message.openedAt ? exactMoment(message.openedAt) : message.direction === "SENT" && !info.tracked && "Not tracked")}
    ${message.clickCount ? fact("Links clicked", showClicks
      ? html`<button type="button" class="link" @click=${showClicks}>${counted(message.clickCount, "click")}</button>` : counted(message.clickCount, "click")) : nothing}
    ${fact(message.direction === "RECEIVED" ? "Belongs to" : "Came from", message.sourceType && `${words.source(message.sourceType)}${kind}`)}
    ${fact("Campaign", message.campaign && html`<bdi>${message.campaign.title}</bdi>`)}
    ${fact("Forwarded", message.received?.forwardedAt && exactMoment(message.received.forwardedAt))}
    ${fact("Checks", message.received?.authentication && html`<bdi>${message.received.authentication}</bdi>`)}
    ${message.attachments.length ? fact("Attached", files(message.attachments, download)) : nothing}
  </dl>`;
}

/** The body without a mail: its heading, the dialog's accessible name, is then hidden. */
const withoutMail = (instead) => html`<h2 id="info-heading" tabindex="-1" class="unseen">Details</h2>${instead}`;

function body(sheet) {
  if (sheet.state === "error") return withoutMail(failure(sheet.error, () => sheet.read()));
  if (sheet.gone) return withoutMail(notice(NO_SUCH_MAIL));
  if (!sheet.message) return withoutMail(skeleton(6));
  const { message } = sheet;
  const { info } = message;
  return html`<div class="info-status ${hintClass(info.colorHint)}">${statusShape(info)}
      <h2 id="info-heading" tabindex="-1">${words.status(info.status)}</h2></div>
    <p class="info-subject"><bdi>${message.subject ?? html`<i class="erased">subject erased</i>`}</bdi></p>
    ${message.direction === "RECEIVED" ? receivedMail(message, (id) => sheet.turn(id)) : nothing}
    ${why(info)}
    ${later(message)}
    ${info.response ? html`<section aria-labelledby="response-heading"><h3 id="response-heading">Server response</h3>${serverResponse(info.response)}</section>` : nothing}
    ${failureReport(info.report)}
    ${messageActions(sheet, message)}
    ${facts(message, sheet)}
    ${mailItself(message.content, sheet)}
    ${message.direction === "RECEIVED" && message.events?.nodes.length === 0 ? nothing
      : html`<section aria-labelledby="timeline-heading"><h3 id="timeline-heading">What happened</h3>${
        deliveryTimeline(message.events, { show: (id) => sheet.turn(id), more: sheet.readOn })}</section>`}
    ${info.preview ? templatePreview(message.id, info.preview, { as: sheet.previewAs, show: sheet.showPreview }) : nothing}`;
}

/** The dialog: always in the page, opened and closed with the URL. */
export const emailInfo = (sheet) => html`<dialog class="info" aria-labelledby="info-heading"
  @cancel=${(event) => {
    event.preventDefault();
    sheet.close();
  }}
  @click=${(event) => event.target === event.currentTarget && sheet.close()}
>${sheet.id
    ? html`<div class="info-bar">
        <button type="button" class="round" aria-label="Newer mail" title="Newer mail" ?disabled=${!sheet.newer} @click=${() => sheet.turn(sheet.newer)}>${icons.up}</button>
        <button type="button" class="round" aria-label="Older mail" title="Older mail" ?disabled=${!sheet.older} @click=${() => sheet.turn(sheet.older)}>${icons.down}</button>
        <button type="button" class="round close" aria-label="Close" title="Close" @click=${() => sheet.close()}>${icons.close}</button>
      </div>
      <div class="info-body" aria-busy=${sheet.state === "loading" ? "true" : "false"}>${body(sheet)}</div>`
    : nothing}</dialog>`;
