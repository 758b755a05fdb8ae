// What a received mail says: who wrote, the new text, the quoted history folded, what it answers, its files.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { authorMarks } from "../author-marks.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { words } from "../words.js";

const lines = (text) => text.split("\n").length;

/** The text of a mail, as text: nothing in it is markup. */
const letterText = (text) => html`<div class="letter-text" dir="auto">${text}</div>`;

/** The files of a mail, sent or received; `download(event, position)` renews a link that is too old. */
export function files(attachments, download) {
  return html`<ul class="files">${attachments.map((file, position) => html`<li>
    ${icons.paperclip}${file.url === null ? html`<bdi>${file.name}</bdi>`
      : html`<a href=${file.url} download @click=${(event) => download(event, position)}><bdi>${file.name}</bdi></a>`}
    <span class="utc">${size(file.size)}</span></li>`)}</ul>`;
}

const size = (bytes) => (bytes < 1024 ? said.message.letter.bytes(bytes) : bytes < 1_048_576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1_048_576).toFixed(1)} MB`);

/** A mail that leads to its popover. */
export const mailLink = (mail, show) => html`<button type="button" class="link" @click=${() => show(mail.id)}><bdi>${
  mail.subject ?? `(${said.message.subjectErased})`}</bdi></button>`;

/** Who wrote, what, and to what it is the answer. */
export function receivedMail({ received, inReplyTo }, show) {
  const { letter } = said.message;
  if (!received) return html`<p class="how">${letter.notKept}</p>`;
  const { from, fromName, text, quotedText, cut } = received;
  return html`<section class="letter" aria-label=${letter.label}>
    <p class="writer"><bdi>${fromName ? `${fromName} ` : ""}${from ? (fromName ? `<${from}>` : from) : letter.noSender}</bdi>
      ${authorMarks(received, { all: true })}</p>
    ${inReplyTo ? html`<p class="how">${letter.answers} ${mailLink(inReplyTo, show)}, ${moment(inReplyTo.occurredAt)}</p>` : nothing}
    ${text ? letterText(text) : html`<p class="how">${quotedText ? letter.nothingNew : letter.noText}</p>`}
    ${cut ? html`<p class="how">${letter.cut}</p>` : nothing}
    ${quotedText ? html`<details class="quoted"><summary>${letter.quoted(lines(quotedText))}</summary>${letterText(quotedText)}</details>` : nothing}
  </section>`;
}
