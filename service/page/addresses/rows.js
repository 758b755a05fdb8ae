// One row of each of the three lists.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { customerLink, messagePlace, partPlace, placeLink } from "../place-link.js";
import { oneLine, responseLine, words } from "../words.js";
import { suggestion } from "./correction.js";
import { against } from "./lift.js";

/** Suggestions that have a button each. */
const SUGGESTIONS = 2;

/** An address that breaks before its domain rather than within it. */
export function inTwo(address) {
  const at = address.lastIndexOf("@") + 1;
  return html`<bdi dir="ltr" class="addr-text">${address.slice(0, at)}<wbr>${address.slice(at)}</bdi>`;
}

/** What can be done about a bad address: `{ kind, name, to }`, the safest first, as the digits press them. */
export function actionsOnBad({ address, solutions, suppression, message }) {
  const meant = solutions.filter((each) => each.address).slice(0, SUGGESTIONS);
  return [
    ...meant.map(({ address: to }) => ({ kind: "use", to, name: html`${said.addresses.use} ${suggestion(address, to)}` })),
    ...(message?.actions.includes("RETRY") ? [{ kind: "retry", name: said.addresses.retry }] : []),
    { kind: "edit", name: said.addresses.edit },
    ...(suppression ? [{ kind: "lift", name: said.addresses.lift }] : []),
  ];
}

export const actionsOnSuppressed = ({ address }) => (address === null ? [] : [{ kind: "lift", name: said.addresses.lift }]);

/** The buttons of a row; the style sheet shows the digit while the row has the keyboard. */
const buttons = (actions, edge, choose, of) => actions.map((action, place) => html`<button type="button" class="button addr-button" data-acts
  aria-keyshortcuts=${place + 1} @click=${() => choose(edge, action)}>${action.name}<span class="unseen">: ${action.to ?? of}</span></button>`);

/** The server's words of the message that failed last. */
function answer(message) {
  const { response, report } = message?.info ?? {};
  const text = response?.code >= 400 ? responseLine(response) : oneLine(report?.text ?? "");
  return text ? html` · <span class="answer" dir="auto">${text}</span>` : nothing;
}

export const badRow = ({ app, choose, readOnly }) => (edge) => {
  const { node } = edge;
  const { address, customer, failedAt, failingSince, cause, message, solutions } = node;
  return html`<div role="cell" class="addr-customer">${customerLink(app, customer)}</div>
    <div role="cell" class="addr-address">${inTwo(address)}</div>
    <div role="cell" class="when addr-when" data-label=${said.addresses.failed}>${moment(failedAt)}</div>
    <div role="cell" class="addr-why"><span class="outcome"><b class="red">${words.sentence(words.cause(cause)).slice(0, -1)}</b>${answer(message)}</span>
      ${failingSince === failedAt ? nothing : html`<span class="addr-since">${said.addresses.failingSince} ${moment(failingSince)}</span>`}</div>
    <div role="cell" class="addr-do">${readOnly ? nothing : html`<div class="addr-buttons">${buttons(actionsOnBad(node), edge, choose, address)}</div>`}
      ${solutions[0] ? html`<p class="addr-advice">${said.words.solution(solutions[0], cause)}</p>` : nothing}</div>`;
};

export const suppressedRow = ({ app, choose, readOnly }) => (edge) => {
  const { node } = edge;
  const { address, customer } = node;
  return html`<div role="cell" class="addr-customer">${customer ? customerLink(app, customer) : html`<span class="not">${said.addresses.nobody}</span>`}</div>
    <div role="cell" class="addr-address">${address === null ? html`<i class="erased">${said.addresses.erased}</i>` : inTwo(address)}</div>
    <div role="cell" class="addr-why">${against(app, node)}</div>
    <div role="cell" class="addr-do">${readOnly ? nothing : html`<div class="addr-buttons">${buttons(actionsOnSuppressed(node), edge, choose, address)}</div>`}</div>`;
};

const choice = (what, found) => found
  ? html`<span class="addr-choice"><b>${what}</b> <span class="addr-since">${said.addresses.since} ${moment(found.optedOutAt)}, ${words.optOutSource(found.source)}${
      found.by === "customer" ? nothing : html` (<bdi>${found.by}</bdi>)`}</span></span>` : nothing;

export const optedOutRow = ({ app }) => ({ node }) => {
  const { addresses, optOuts } = node;
  const address = (addresses.find((each) => each.primary) ?? addresses[0])?.address;
  return html`<div role="cell" class="addr-customer">${placeLink(app, partPlace(node.id, "choices"), html`<bdi>${node.name ?? node.externalRef}</bdi>`)}</div>
    <div role="cell" class="addr-address">${address ? inTwo(address) : html`<span class="not">${said.addresses.noAddress}</span>`}</div>
    <div role="cell" class="addr-why">${choice(said.addresses.marketing, optOuts.marketing)}${choice(said.addresses.eventBased, optOuts.eventBased)}</div>`;
};

/** The message that is tried again, as a plan's line. */
export const retried = (app, { message, address }) => html`${placeLink(app, messagePlace(message.id), html`<bdi>${message.subject ?? said.addresses.subjectErased}</bdi>`)}
  ${said.addresses.goesTo} <bdi dir="ltr">${address}</bdi>`;
