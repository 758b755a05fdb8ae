// The rows of a campaign's recipients: whom, what became of it, when, and a button to the message itself.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { outcomeLine } from "../outcome-line.js";
import { rowBlocks } from "../row-blocks.js";
import { infoButton } from "../status-icon.js";
import { words } from "../words.js";
import { rowKeys } from "./row-keys.js";

const onKey = rowKeys(".info-button", ".campaign-whom a");

/** An address that breaks before its domain rather than within it. */
function inTwo(address) {
  const at = address.lastIndexOf("@") + 1;
  return html`${address.slice(0, at)}<wbr>${address.slice(at)}`;
}

/** What became of it: the outcome of the mail, why there is none, or that it waits. */
function outcome({ message, status, leftOut }) {
  if (leftOut) return html`<span class="outcome">${said.campaigns.leftOutBecause(said.campaigns.leftOut[leftOut] ?? leftOut)}</span>`;
  const line = message ? outcomeLine(message.info) : nothing;
  return line === nothing ? html`<span class="outcome">${words.statusShort(message?.info.status ?? status)}</span>` : line;
}

/** When it was decided, or is due. */
function time({ message, dueAt }) {
  if (message?.info.decidedAt) return moment(message.info.decidedAt);
  return dueAt ? html`<span class="campaign-soft">${said.campaigns.due}</span> ${moment(dueAt)}` : nothing;
}

function opened({ message }) {
  if (!message) return nothing;
  if (!message.info.tracked) return html`<span class="not">${said.campaigns.notTracked}</span>`;
  return message.openedAt ? moment(message.openedAt) : html`<span class="not" aria-hidden="true">–</span>`;
}

const clicks = ({ message }) => (message?.clickCount ? html`<span class="clicks">${said.campaigns.clicks(message.clickCount)}</span>` : nothing);

function row(part, { node, cursor, fresh }, index) {
  const { message } = node;
  const open = (event) => {
    // Links and text that is being chosen are not meant.
    if (!message || event.target.closest("a, button") || !window.getSelection().isCollapsed) return;
    part.sheet.open(message.id);
  };
  return html`<div role="row" class="campaign-recipient ${message ? "opens" : ""} ${fresh ? "fresh" : ""}" aria-rowindex=${index + 1} data-cursor=${cursor} @click=${open}>
    <div role="cell" class="campaign-whom">${part.customerLink(node)}<span class="campaign-whose">${node.address ? html`<bdi>${inTwo(node.address)}</bdi>` : nothing}</span></div>
    <div role="cell" class="campaign-outcome">${outcome(node)}${clicks(node)}</div>
    <div role="cell" class="campaign-when">${time(node)}</div>
    <div role="cell" class="campaign-opened ${message?.openedAt ? "" : "none"}" data-label=${said.campaigns.heads.opened}>${opened(node)}</div>
    <div role="cell" class="campaign-info">${message ? infoButton(message.info, message.id, message.subject, part.sheet.open) : nothing}</div></div>`;
}

/** The list of a part that has `list`, `sheet` and `customerLink`. */
export const recipientTable = (part) => html`<div role="table" class="campaign-table" aria-label=${said.campaigns.parts.recipients} aria-rowcount="-1" @keydown=${onKey}>
  <div role="rowgroup" class="campaign-heads"><div role="row" class="campaign-recipient head" aria-rowindex="1">
    ${["customer", "outcome", "when", "opened"].map((name) => html`<div role="columnheader">${said.campaigns.heads[name]}</div>`)}
    <div role="columnheader"><span class="unseen">${said.campaigns.heads.details}</span></div></div></div>
  ${rowBlocks(part.list, (edge, index) => row(part, edge, index))}</div>`;
