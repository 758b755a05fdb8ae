// What is known of a message beside its outcome: addresses, times, where it came from, its files.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { doubt, reportWords } from "./delivery-report.js";
import { said } from "../language.js";
import { exactMoment } from "../moments.js";
import { campaignPlace, placeLink } from "../place-link.js";
import { files } from "./received-mail.js";
import { statusIcon } from "../status-icon.js";
import { words } from "../words.js";

const fact = (name, value) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);

function copies(info) {
  if (!info.copies.length) return nothing;
  return html`<div><dt>${said.message.facts.copies}</dt><dd><ul class="copies">${info.copies.map((copy) => html`<li>
    ${statusIcon(copy)}<span>${copy.role} <bdi>${copy.name ? `${copy.name} <${copy.address}>` : copy.address}</bdi>
      <span class="copy-status">${words.status(copy.status)}${copy.cause ? ` (${words.cause(copy.cause)})` : ""}</span>
      ${copy.advice && copy.colorHint !== "GREY" ? html`<span class="copy-status">${said.words.advice(copy.cause, copy.advice)}</span>` : nothing}
      ${copy.report ? html`<details class="copy-status"><summary>${said.message.copyReport}${doubt(copy.report)}</summary>${reportWords(copy.report)}</details>` : nothing}</span></li>`)}</ul></dd></div>`;
}

/** The clicks: a way to their list, where the view has one. */
function clicks({ clickCount }, showClicks) {
  if (!clickCount) return nothing;
  const text = said.message.clicks(clickCount);
  return fact(said.message.facts.clicks, showClicks ? html`<button type="button" class="link" @click=${showClicks}>${text}</button>` : text);
}

export function messageFacts(message, { showClicks, download, app }) {
  const { info } = message;
  const { facts } = said.message;
  const received = message.direction === "RECEIVED";
  const kind = message.letterKind ? `, ${message.letterKind.toLowerCase().replaceAll("_", " ")}` : "";
  return html`<dl class="facts-of-mail">
    ${fact(facts.to, info.to && html`<bdi>${info.to}</bdi>`)}
    ${message.received ? nothing : fact(facts.from, info.from && html`<bdi>${info.from}</bdi>`)}
    ${copies(info)}
    ${fact(received ? facts.received : facts.queued, exactMoment(message.occurredAt))}
    ${fact(facts.accepted, info.sentAt && exactMoment(info.sentAt))}
    ${fact(facts.opened, message.openedAt ? exactMoment(message.openedAt) : !received && !info.tracked && said.message.notTracked)}
    ${clicks(message, showClicks)}
    ${fact(received ? facts.belongsTo : facts.source, message.sourceType && `${words.source(message.sourceType)}${kind}`)}
    ${fact(facts.reference, message.reference && html`<bdi class="ref">${message.reference}</bdi>`)}
    ${fact(facts.campaign, message.campaign && placeLink(app, campaignPlace(message.campaign.id), html`<bdi>${message.campaign.title}</bdi>`))}
    ${fact(facts.forwarded, message.received?.forwardedAt && exactMoment(message.received.forwardedAt))}
    ${fact(facts.checks, message.received?.authentication && html`<bdi>${message.received.authentication}</bdi>`)}
    ${message.attachments.length ? fact(facts.attached, files(message.attachments, download)) : nothing}
  </dl>`;
}
