// The first tab: campaign mail sent to the customer.
import { html } from "../vendor/lit-html/lit-html.js";
import { dateAndTime } from "../moments.js";
import { notice } from "../notices.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { selectableRow } from "../selectable-row.js";

const ERASED = html`<i class="erased">subject erased</i>`;

/** When the server accepted it; else "Not sent" or "Not yet", and when it was queued. */
function sent(node) {
  if (node.sentAt) return dateAndTime(node.sentAt);
  return html`<span class="not">${node.info.colorHint === "AMBER" ? "Not yet" : "Not sent"}</span>
    <span class="put">${dateAndTime(node.occurredAt)}</span>`;
}

const dash = (words) => html`<span class="not" aria-hidden="true">–</span><span class="unseen">${words}</span>`;

/** When it was opened; of mail that is never tracked nobody knows. */
export function opened(node) {
  if (node.openedAt) return dateAndTime(node.openedAt);
  if (node.direction === "RECEIVED") return dash("Received");
  return node.info.tracked ? dash("Not opened") : html`<span class="not">Not tracked</span>`;
}

function row(edge, index, { selected, select, open }) {
  const { node } = edge;
  return selectableRow({
    edge, index, select, open,
    list: "sent-row",
    selected: selected === node.message.id,
    subject: node.subject,
    name: html`<span class="campaign" dir="auto">${node.campaignTitle}:</span> <bdi>${node.subject ?? ERASED}</bdi>`,
    after: html`<div role="cell" class="cell when" data-label="Sent">${sent(node)}</div>
      <div role="cell" class="cell when" data-label="Opened">${opened(node)}</div>`,
  });
}

/** The list; `selected` is a message's id, `select(id, on)` and `open(id)` are called by rows. */
export function sentEmails(list, actions) {
  if (list.state === "ready" && !list.count) {
    return notice({ heading: "No campaign mail yet", text: "Campaigns sent to this customer will be listed here." });
  }
  return html`<div role="table" class="table" aria-label="Campaign emails sent" aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head sent-row" aria-rowindex="1">
        <div role="columnheader">Campaign: Subject</div><div role="columnheader">Sent</div>
        <div role="columnheader">Opened</div><div role="columnheader"><span class="unseen">Details</span></div>
      </div></div>
      ${rowBlocks(list, (edge, index) => row(edge, index, actions))}
    </div>${listEnd(list)}`;
}
