// The third tab: every mail sent to or received from the customer.
import { html } from "../vendor/lit-html/lit-html.js";
import { authorMarks } from "../author-marks.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { dateAndTime } from "../moments.js";
import { notice } from "../notices.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { selectableRow } from "../selectable-row.js";
import { opened } from "./sent-emails.js";
import { hintClass } from "../status-icon.js";
import { words } from "../words.js";

const direction = (node) => {
  const [picture, word] = node.direction === "RECEIVED" ? [icons.received, said.emails.received] : [icons.outgoing, said.emails.outgoing];
  return html`<span class="direction" title=${word}>${picture}<span class="unseen">${word}</span></span>`;
};

function row(edge, index, { selected, select, open }) {
  const { node } = edge;
  return selectableRow({
    edge, index, select, open,
    list: "note-row",
    hint: `hint-${hintClass(node.colorHint)}`,
    selected: selected === node.message.id,
    subject: node.title,
    name: html`<bdi>${node.title ?? html`<i class="erased">${said.words.subjectErased}</i>`}</bdi>${authorMarks(node.message.received)}`,
    before: html`<div role="cell" class="cell when" data-label=${said.emails.heads.dateTime}>${dateAndTime(node.occurredAt)}</div>
      <div role="cell" class="cell way">${direction(node)}</div>
      <div role="cell" class="cell type">${words.connectionType(node.connectionType)}${
        node.sourceType && node.sourceType !== "CAMPAIGN"
          ? html`<span class="source">${words.source(node.sourceType)}</span>` : ""
      }</div>`,
    after: html`<div role="cell" class="cell when when-opened" data-label=${said.emails.heads.opened}>${opened(node)}</div>`,
  });
}

/** The list; parameters as of `sentEmails`. */
export function connectionNotes(list, actions) {
  if (list.state === "ready" && !list.count) {
    return notice(said.emails.noNotes);
  }
  const { heads } = said.emails;
  return html`<div role="table" class="table" aria-label=${said.emails.tabs.notes} aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head note-row" aria-rowindex="1">
        <div role="columnheader">${heads.dateTime}</div><div role="columnheader">${heads.way[0]}<wbr>${heads.way[1]}</div>
        <div role="columnheader">${heads.type}</div><div role="columnheader">${heads.title}</div>
        <div role="columnheader">${heads.opened}</div><div role="columnheader"><span class="unseen">${heads.details}</span></div>
      </div></div>
      ${rowBlocks(list, (edge, index) => row(edge, index, actions))}
    </div>${listEnd(list)}`;
}
