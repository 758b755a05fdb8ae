// What each row of the worklist says, where it opens, and its buttons: at most three, the safest first.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { readAddress } from "../address.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { clock, momentText } from "../moments.js";
import { count, number } from "../numbers.js";
import { outcomeLine } from "../outcome-line.js";
import { hintClass, statusShape } from "../status-icon.js";
import { responseLine, words } from "../words.js";
import { assignTo, correctAddress, incidentAction, leaveCampaign, messagesAction, setMailAside } from "./decisions.js";
import { checkSender, resume, resumeCampaign } from "./queries.js";

/** The place of an address of this page. */
const place = (path) => readAddress(new URL(path, location.href));
const nameOf = (customer) => customer.name ?? customer.externalRef;
const sentences = (...parts) => parts.filter(Boolean).map((part, index) => html`${index ? " " : nothing}${part}`);

// Buttons: `{ name, ask }` opens a plan, `{ name, run }` does it at once, `{ name, place }` leads somewhere.
const asks = (name, ask) => ({ name, ask });
const runs = (name, run) => ({ name, run });
const leads = (name, there) => ({ name, place: there });

// Stopped relays, domains and lanes -------------------------------------------------------------------------------

const STOPPED = {
  relay: { name: (value) => value.name, at: "/gateway/relays", open: "openRelay", line: (value) => said.worklist.row.sentToday(number(value.sentToday)), why: (value) => value.stoppedWhy },
  domain: { name: (value) => value.domain, at: "/gateway/destinations", open: "openDomain", line: (value) => said.worklist.row.sentToday(number(value.sentToday)), why: (value) => value.stoppedWhy },
  lane: { name: (value) => value.name, at: "/gateway", open: "openLane", line: (value) => said.worklist.row.laneWaits(count({ value: value.depth, precision: value.deeper ? "AT_LEAST" : "EXACT" })), why: (value) => value.pausedWhy },
};

function stopped(kind, value) {
  const { name, at, open, line, why } = STOPPED[kind];
  const { actions, row } = said.worklist;
  const tried = async () => {
    await resume(kind, name(value));
    return { note: row.tried(clockText()) };
  };
  return {
    icon: icons.stopped ?? icons.failed, tone: "red", name: row[kind](name(value)), line: line(value), answer: why(value),
    place: place(at), actions: [runs(actions.tryNow, tried), leads(actions[open], place(at))],
  };
}

const clockText = () => momentText(new Date().toISOString());

// Uncertain -------------------------------------------------------------------------------------------------------

function whatHappened({ cause, relay }) {
  const { row } = said.worklist;
  if (cause === "RESTORED") return row.restored;
  if (!relay) return row.workerLost;
  if (cause === "CONNECTION_LOST") return row.lost(relay);
  return cause === "TIMEOUT" ? row.late(relay) : row.of(words.cause(cause), relay);
}

/** The place at which the messages of an incident are listed one by one. */
export const incidentPlace = (incident) => ({ view: "worklist", path: [], query: { show: "uncertain", incident: incident.filter.ids[0] } });

function incident(value, { single }) {
  if (single) return message(single);
  const { actions, row } = said.worklist;
  const sources = value.sources.map(({ sourceType, messages }) => row.source(number(messages), words.source(sourceType))).join(", ");
  return {
    icon: icons.uncertain, tone: "amber",
    name: html`${value.messages === 1 ? sources : row.messages(number(value.messages))}: ${whatHappened(value)} ${row.at} ${clock(value.startedAt)}`,
    line: sentences(value.messages === 1 ? nothing : `${sources}.`, value.withEvidence ? row.evidence(number(value.withEvidence)) : row.noEvidence),
    place: incidentPlace(value),
    actions: [asks(actions.assumeSent, () => incidentAction("ASSUME_SENT", value)), asks(actions.retry, () => incidentAction("RETRY", value)), leads(actions.look, incidentPlace(value))],
  };
}

// Messages --------------------------------------------------------------------------------------------------------

/** A message's buttons in the order of the rows: what the API allows, by the name that its state gives it. */
const OF_MESSAGE = [
  ["ASSUME_SENT", "assumeSent", "ASSUME_SENT"],
  ["RETRY", "retry", "RETRY"],
  ["RETRY_TO_PRESENT_ADDRESS", "toPresent", "RETRY_TO_PRESENT_ADDRESS"],
  ["CANCEL", "cancel", "CANCEL"],
  ["DISMISS", "leave", "DISMISS"],
];

/** The actions of this state, as they are named for it: what is held is released. */
export function messageButtons(status, allowed) {
  const possible = OF_MESSAGE.filter(([action]) => allowed.includes(action) && !(action === "RETRY_TO_PRESENT_ADDRESS" && allowed.includes("RETRY")));
  return possible.map(([action, label, name]) => (status === "HELD" && action === "RETRY" ? { label: "release", name: "RELEASE" } : { label, name }));
}

function message(value) {
  const { actions, row } = said.worklist;
  const { info } = value;
  const buttons = messageButtons(info.status, value.actions).slice(0, 3);
  const blocked = info.status === "HELD" && !value.actions.includes("RETRY") && value.actions.includes("LIFT_SUPPRESSION");
  return {
    shape: statusShape(info), tone: hintClass(info.colorHint), name: value.subject ?? html`<i class="erased">${row.erased}</i>`,
    line: html`<bdi>${nameOf(value.customer)}</bdi> · ${words.source(value.sourceType)}${blocked ? html` · ${row.suppressed}` : nothing}`,
    outcome: outcomeLine(info), message: value.id,
    actions: buttons.map(({ label, name }) => asks(actions[label], () => messagesAction(name, [value.id], [info.status]))),
  };
}

// Bad addresses ---------------------------------------------------------------------------------------------------

/** The parts of a domain that differ from the suggested one, told apart by weight. */
export function differing(address, other) {
  const at = address.lastIndexOf("@") + 1;
  const [local, ...labels] = [address.slice(0, at), ...address.slice(at).split(".")];
  const others = (other ?? "").slice((other ?? "").lastIndexOf("@") + 1).split(".");
  const differs = (label, index) => other && label !== others[index];
  return html`${local}<wbr>${labels.map((label, index) => html`${index ? "." : ""}${differs(label, index) ? html`<b>${label}</b>` : label}`)}`;
}

const shortly = (address, other) => {
  const [domain, given] = [other, address].map((each) => each.slice(each.lastIndexOf("@") + 1));
  return domain === given ? other : domain;
};

function address(value) {
  const { actions, row } = said.worklist;
  const [best] = value.solutions;
  const better = value.solutions.find((each) => each.address && ["TYPO", "OTHER_ADDRESS"].includes(each.kind))?.address ?? null;
  const { customer, message: last } = value;
  return {
    icon: icons.failed, tone: "red", name: html`<bdi>${nameOf(customer)}</bdi>`,
    line: sentences(html`<bdi>${differing(value.address, better)}</bdi>: ${words.cause(value.cause)}.`, best ? said.words.solution(best, value.cause) : null, value.waitingMessages ? row.waiting(value.waitingMessages) : null),
    answer: responseLine(last?.info.response), message: last?.id ?? null, place: place(`/customers/${customer.id}/addresses`),
    actions: [
      ...(better ? [asks(actions.use(shortly(value.address, better)), () => correctAddress(value, better))] : []),
      asks(actions.edit, () => correctAddress(value, null)),
      ...(last?.actions.includes("RETRY") ? [asks(actions.retry, () => messagesAction("RETRY", [last.id]))] : []),
    ],
  };
}

// Unmatched mail --------------------------------------------------------------------------------------------------

/** A report belongs to a message, which a person has to find: it is assigned where it is read. */
const IS_WRITTEN = ["REPLY", "AUTOMATIC"];

function mail(value, { read }) {
  const { actions, row, reasons } = said.worklist;
  const [guess] = IS_WRITTEN.includes(value.kind) ? value.candidates : [];
  return {
    icon: icons.received, tone: "grey", name: value.subject ?? row.noSubject,
    line: sentences(html`<bdi>${value.from ? row.from(value.from) : row.fromNobody}</bdi>.`, reasons[value.reason]), excerpt: value.excerpt,
    open: () => read(value),
    actions: [
      ...(guess ? [runs(actions.guess(nameOf(guess)), assignTo(value, guess))] : []),
      runs(actions.assign, () => read(value, { seek: true })),
      runs(actions.setAside, setMailAside([value.id])),
    ],
  };
}

// Campaigns and senders -------------------------------------------------------------------------------------------

const UNSENT = ["refused", "bounced", "expired", "held"];

function campaign(value, { readIds }) {
  const { actions, row, outcomes } = said.worklist;
  const { progress } = value;
  const some = UNSENT.filter((name) => progress[name]);
  const unsent = some.reduce((sum, name) => sum + progress[name], 0);
  const there = place(`/campaigns/${value.id}`);
  const recipients = place(`/campaigns/${value.id}/recipients?status=${some.join(",")}`);
  const goOn = async () => {
    await resumeCampaign(value.id);
    return { text: said.worklist.done.resumed(value.title) };
  };
  return {
    icon: icons.failed, tone: "red", name: value.title,
    line: sentences(value.pausedAt && row.paused, unsent && html`${row.notSent(number(unsent), number(progress.total))}: ${some.map((name) => row.outcome(number(progress[name]), outcomes[name])).join(", ")}.`),
    answer: value.pausedWhy, place: there,
    actions: [
      ...(value.actions.includes("RESUME") ? [runs(actions.resume, goOn)] : []),
      leads(actions.look, unsent ? recipients : there),
      ...(unsent ? [asks(actions.leave, () => leaveCampaign(value, readIds))] : []),
    ],
  };
}

function sender(value) {
  const { actions, row } = said.worklist;
  const look = async () => {
    const { ready } = await checkSender(value.sender.id);
    return { note: ready ? row.ready : row.stillNot(clockText()) };
  };
  const wrong = value.records.filter(({ ok, advice }) => ok === false && advice);
  return {
    icon: icons.failed, tone: "red", name: row.sender(value.sender.name), line: wrong.slice(0, 2).map(({ kind, advice }) => html`<span class="wl-record">${row.record(kind, advice)}</span>`),
    place: place("/settings/senders"), actions: [runs(actions.check, look), leads(actions.openSender, place("/settings/senders"))],
  };
}

const FACES = {
  relay: (value) => stopped("relay", value), domain: (value) => stopped("domain", value), lane: (value) => stopped("lane", value),
  incident, message, address, mail, campaign, sender,
};

/**
 * What a row says: `{ icon or shape, tone, name, line, outcome, answer, excerpt, actions }`, and what Enter opens: the
 * popover of `message`, else `open()`, else `place`. `given` has what it needs of the view: `single` (the message of an
 * incident of one), `read(mail)`, `readIds(filter)`.
 */
export const face = ({ kind, value }, given = {}) => FACES[kind](value, given);
