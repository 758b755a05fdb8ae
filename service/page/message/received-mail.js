// What a received mail says: who wrote, the new text, the quoted history folded, what it answers, its files.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { words } from "../words.js";

/** The marks of who wrote: for a row only what a reader has to know. */
export function authorMarks(received, { all = false } = {}) {
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
