// The first tab: campaign mail sent to the customer.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { dateAndTime } from "../moments.js";
import { notice } from "../notices.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { selectableRow } from "../selectable-row.js";

/** When the server accepted it; else "Not sent" or "Not yet", and when it was queued. */
function sent(node) {
  if (node.sentAt) return dateAndTime(node.sentAt);
  return html`<span class="not">${node.info.colorHint === "AMBER" ? said.emails.notYet : said.emails.notSent}</span>
    <span class="put">${dateAndTime(node.occurredAt)}</span>`;
}

const dash = (words) => html`<span class="not" aria-hidden="true">–</span><span class="unseen">${words}</span>`;

/** When it was opened; of mail that is never tracked nobody knows. */
export function opened(node) {
  if (node.openedAt) return dateAndTime(node.openedAt);
  if (node.direction === "RECEIVED") return dash(said.emails.received);
  return node.info.tracked ? dash(said.emails.notOpened) : html`<span class="not">${said.emails.notTracked}</span>`;
}

function row(edge, index, { selected, select, open }) {
  const { node } = edge;
  return selectableRow({
    edge, index, select, open,
    list: "sent-row",
    selected: selected === node.message.id,
    subject: node.subject,
    name: html`<span class="campaign" dir="auto">${node.campaignTitle}:</span> <bdi>${node.subject ?? html`<i class="erased">${said.words.subjectErased}</i>`}</bdi>`,
    after: html`<div role="cell" class="cell when when-sent" data-label=${said.emails.heads.sent}>${sent(node)}</div>
      <div role="cell" class="cell when when-opened" data-label=${said.emails.heads.opened}>${opened(node)}</div>`,
  });
}

/** The list; `selected` is a message's id, `select(id, on)` and `open(id)` are called by rows. */
export function sentEmails(list, actions) {
  if (list.state === "ready" && !list.count) {
    return notice(said.emails.noSent);
  }
  const { heads } = said.emails;
  return html`<div role="table" class="table" aria-label=${said.emails.tabs.sent} aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head sent-row" aria-rowindex="1">
        <div role="columnheader">${heads.campaign}</div><div role="columnheader">${heads.sent}</div>
        <div role="columnheader">${heads.opened}</div><div role="columnheader"><span class="unseen">${heads.details}</span></div>
      </div></div>
      ${rowBlocks(list, (edge, index) => row(edge, index, actions))}
    </div>${listEnd(list)}`;
}
