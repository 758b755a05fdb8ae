// The rows of the list: a grid whose rows are chosen by their box, and open their message.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { authorMarks } from "../author-marks.js";
import { writeAddress } from "../address.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { outcomeLine } from "../outcome-line.js";
import { rowBlocks } from "../row-blocks.js";
import { hintClass, infoButton } from "../status-icon.js";
import { words } from "../words.js";

/** An address that breaks after its @ alone. */
function inTwo(address) {
  const at = address.lastIndexOf("@") + 1;
  return html`${address.slice(0, at)}<wbr>${address.slice(at)}`;
}

const dash = (text) => html`<span class="not" aria-hidden="true">–</span><span class="unseen">${text}</span>`;

/** When it was opened; of a message that is never tracked nobody knows. */
function opened(node) {
  if (node.openedAt) return moment(node.openedAt);
  if (node.direction === "RECEIVED") return dash(said.messages.received);
  return node.info.tracked ? dash(said.messages.notOpened) : html`<span class="msg-untracked">${said.messages.notTracked}</span>`;
}

/** Where it came from, or that it was received; below it which campaign, or of what kind. */
function source(node) {
  const kind = node.campaign?.title ?? [node.letterKind?.toLowerCase().replaceAll("_", " "), node.reference].filter(Boolean).join(" ");
  if (node.direction !== "RECEIVED") return html`${node.sourceType ? words.source(node.sourceType) : nothing}<span class="msg-kind"><bdi>${kind}</bdi></span>`;
  return html`<span class="msg-received">${icons.received}${said.messages.received}</span><span class="msg-kind">${node.sourceType ? words.source(node.sourceType) : nothing}</span>`;
}

/** The customer, and the address it went to or came from. */
function who(node, here, app) {
  const place = { view: "emails", customer: node.customer.id };
  const address = node.direction === "RECEIVED" ? node.received?.from : node.info.to;
  return html`<a class="msg-name" href=${writeAddress(place)} tabindex=${here ? 0 : -1} @click=${(event) => {
    event.stopPropagation();
    app.follow(event, place);
  }}><bdi>${node.customer.name ?? node.customer.externalRef}</bdi></a>${address ? html`<span class="msg-whose"><bdi>${inTwo(address)}</bdi></span>` : nothing}`;
}

/** Whether this click ended a text selection within the row. */
function endsTextSelection(event) {
  const selection = window.getSelection();
  return event.detail > 0 && !selection.isCollapsed && event.currentTarget.contains(selection.anchorNode);
}

function row({ node, cursor, fresh }, index, { choices, open, app }) {
  const isHere = choices.here === node.id;
  const isChosen = choices.has(node.id);
  const box = (event) => {
    event.stopPropagation();
    if (event.shiftKey) choices.range(node.id);
    else choices.toggle(node.id);
  };
  return html`<div role="row" aria-rowindex=${index + 1} aria-selected=${isChosen ? "true" : "false"} data-cursor=${cursor} data-message=${node.id} tabindex=${isHere ? 0 : -1}
    class="row msg-row hint-${hintClass(node.colorHint)} ${isChosen ? "msg-chosen" : ""} ${fresh ? "fresh" : ""}"
    @focusin=${() => choices.focused(node.id)} @click=${(event) => !event.target.closest("a, input") && !endsTextSelection(event) && open(node.id)}>
    <div role="gridcell" class="msg-box">${app.readOnly ? nothing : html`<input type="checkbox" class="tickbox" tabindex=${isHere ? 0 : -1} .checked=${isChosen}
      aria-label=${said.messages.choose(node.subject ?? said.messages.thisMessage)} @click=${box}>`}</div>
    <div role="gridcell" class="when msg-when">${moment(node.occurredAt)}</div>
    <div role="gridcell" class="msg-who">${who(node, isHere, app)}</div>
    <div role="gridcell" class="msg-mail"><span class="subject msg-subject"><bdi>${node.subject ?? html`<i class="erased">${said.messages.subjectErased}</i>`}</bdi>${authorMarks(node.received)}</span>${outcomeLine(node.info)}</div>
    <div role="gridcell" class="msg-source">${source(node)}</div>
    <div role="gridcell" class="when msg-opened">${opened(node)}</div>
    <div role="gridcell" class="icon-cell">${infoButton(node.info, node.id, node.subject, open, isHere ? 0 : -1)}</div>
  </div>`;
}

/** The grid; `choices` are the rows' `RowChoices`, `total` how many rows it has, or -1. */
export function messageRows(list, { allChosen, total, pointed, ...given }) {
  const { app, choices } = given;
  const head = (name) => html`<div role="columnheader">${name}</div>`;
  const { heads } = said.messages;
  return html`<div id="messages" role="grid" class="table msg-table" aria-label=${said.messages.title} aria-multiselectable="true" aria-rowcount=${total} @keydown=${choices.keys} @pointermove=${pointed}>
    <div role="rowgroup" class="msg-heads"><div role="row" class="row head msg-row" aria-rowindex="1">
      <div role="columnheader" class="msg-box">${app.readOnly ? nothing : html`<input type="checkbox" class="tickbox" aria-label=${said.messages.chooseLoaded} .checked=${allChosen} .indeterminate=${choices.size > 0 && !allChosen} @click=${choices.loaded}>`}</div>
      ${[heads.date, heads.customer, heads.subject, heads.source, heads.opened].map(head)}<div role="columnheader"><span class="unseen">${heads.details}</span></div>
    </div></div>
    ${rowBlocks(list, (edge, index) => row(edge, index, given))}
  </div>`;
}
