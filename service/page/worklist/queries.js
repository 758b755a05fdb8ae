// What the worklist asks for, and the mutations that settle its rows.
import { fetchData, mutate, run } from "../graphql.js";
import { OUTCOME, PAGE, shorten } from "../row-fields.js";

/** Rows of each list that are read at once: enough to see which of those shown are gone. */
export const READ = 25;
/** Messages that one request takes back: its aliases are limited. */
const UNDONE_AT_ONCE = 40;
/** Messages of one filter, as many as `ids` may name. */
export const MOST_IDS = 1_000;
/** Received mails that one mutation takes. */
export const MOST_MAILS = 100;

const MESSAGE = `id occurredAt direction sourceType subject actions campaign { id title }
  customer { id name externalRef } info { ...Outcome decidedAt to }`;
const INCIDENT = "relay stage cause startedAt messages withEvidence sources { sourceType messages } filter";
const BAD_ADDRESS = `id address failedAt failingSince cause waitingMessages customer { id name externalRef }
  message { id actions info { response { code enhancedCode text } } } solutions { kind text address }`;
const UNMATCHED = "id receivedAt kind reason from to subject excerpt candidates { id name externalRef }";
const CAMPAIGN = `id title status actions createdAt launchedAt finishedAt pausedAt pausedWhy
  progress { total accepted refused bounced held expired uncertain }`;
const RELAY = "name stoppedAt stoppedWhy sentToday";
const DESTINATION = "domain stoppedAt stoppedWhy sentToday";
const LANE = "name pausedAt pausedWhy depth deeper";
const SENDER = "ready checkedAt sender { id name from } records { kind ok name advice }";

const COUNT = "totalCount { value precision }";
/** The lists with pages, and what a row of each has. */
const LISTS = { uncertain: MESSAGE, held: MESSAGE, failed: MESSAGE, badAddresses: BAD_ADDRESS, unmatchedMail: UNMATCHED, campaigns: CAMPAIGN };

const listOf = (name, fields) => `${name}(first: $first) { edges { cursor node { ${fields} } } ${PAGE} ${COUNT} }`;

const ALL = `query Worklist($first: Int!) {
  needsAttention {
    total { value precision }
    stoppedRelays { ${RELAY} } stoppedDestinations { ${DESTINATION} } pausedLanes { ${LANE} }
    uncertain(first: 1) { ${COUNT} } incidents { ${INCIDENT} }
    ${["held", "failed", "badAddresses", "unmatchedMail", "campaigns"].map((name) => listOf(name, LISTS[name])).join("\n    ")}
    senders { ${SENDER} }
  }
}${OUTCOME}`;

const LAST_SETTLED = "query LastSettled { needsAttention { lastSettled { settledAt by kind message { id subject customer { id name externalRef } } } } }";

const INCIDENTS = `query Incidents { needsAttention { incidents { ${INCIDENT} } } }`;

const PAGE_OF = (name) => `query Group($first: Int!, $after: String) {
  needsAttention { list: ${name}(first: $first, after: $after) { edges { cursor node { ${LISTS[name]} } } ${PAGE} ${COUNT} } }
}${[BAD_ADDRESS, UNMATCHED, CAMPAIGN].includes(LISTS[name]) ? "" : OUTCOME}`;

const FOUND = `query Found($filter: MessageFilter!, $first: Int!, $after: String) {
  messages(filter: $filter, orderBy: OLDEST, first: $first, after: $after) { edges { cursor node { ${MESSAGE} } } ${PAGE} ${COUNT} }
}${OUTCOME}`;

const NUMBERS = `query Numbers($since: DateTime!, $now: DateTime!) {
  hours: statistics(since: $since, until: $now, groupBy: [HOUR]) { startsAt accepted refused bounced opened }
  gateway { lanes { depth deeper oldestSeconds } history(last: DAY) { startedAt lanes { depth } } }
}`;

const PREVIEW = `query Preview($action: BulkMessageAction!, $filter: MessageFilter!) {
  previewMessageAction(action: $action, filter: $filter) { token messages more notAllowed stay { reason messages } causes { cause messages } }
}`;

const mutation = (name, input, result = "") =>
  `mutation Act($input: ${input}!) { done: ${name}(input: $input) { ${result} userErrors { message field code } } }`;
const BULK = {
  RETRY: mutation("retryMessages", "RetryMessagesInput", "done skipped"),
  ASSUME_SENT: mutation("assumeSentMessages", "AssumeSentMessagesInput", "done skipped"),
  CANCEL: mutation("cancelMessages", "CancelMessagesInput", "done skipped"),
  DISMISS: mutation("dismissMessages", "DismissMessagesInput", "done skipped"),
};
const RESUME = {
  relay: mutation("resumeRelay", "RelayInput"),
  domain: mutation("resumeDestination", "DestinationInput"),
  lane: mutation("resumeLane", "LaneInput"),
};
const RESUME_CAMPAIGN = mutation("resumeCampaign", "CampaignInput");
const CORRECT = mutation("correctAddress", "CorrectAddressInput", "retried");
const ASSIGN = mutation("assignMail", "AssignMailInput", "message { id }");
const SET_ASIDE = mutation("dismissMail", "DismissMailInput", "dismissed");
const CHECK = `query Check($id: ID!) { checkSender(id: $id) { ${SENDER} } }`;

/** All lists of `needsAttention`, and the sentence of each that could not be read, by its name. */
export async function readWorklist(options) {
  const { data, errors = [] } = await run(ALL, { first: READ }, options);
  const refused = Object.fromEntries(errors.filter(({ path }) => path?.length > 1).map(({ path, message }) => [path[1], message]));
  for (const name of ["held", "failed"]) data.needsAttention[name]?.edges.forEach(({ node }) => shorten(node.info));
  return { lists: data.needsAttention, refused };
}

/** One page of a list by its name in `needsAttention`. */
export async function readList(name, page, options) {
  const { list } = (await fetchData(PAGE_OF(name), page, options)).needsAttention;
  list.edges.forEach(({ node }) => shorten(node.info));
  return list;
}

/** What a person decided last, or null. */
export const readLastSettled = async (options) => (await fetchData(LAST_SETTLED, {}, options)).needsAttention.lastSettled;

/** Uncertain messages by incident, the oldest first. */
export const readIncidents = async (options) => (await fetchData(INCIDENTS, {}, options)).needsAttention.incidents ?? [];

/** One page of the messages of a filter, the oldest first. */
export async function readFound(filter, page, options) {
  const { messages } = await fetchData(FOUND, { filter, ...page }, options);
  messages.edges.forEach(({ node }) => shorten(node.info));
  return messages;
}

/** Figures by the hour since a moment, and what waits now. */
export const readNumbers = ({ since, now }, options) => fetchData(NUMBERS, { since, now }, options);

/** What a bulk action would do to the messages of a filter, and its token. */
export const previewAction = async (action, filter, options) =>
  (await fetchData(PREVIEW, { action, filter }, options)).previewMessageAction;

/** Does what a preview showed; returns how many, and how many had changed. */
export const actOn = (action, token) => mutate(BULK[action], { input: { token } });

/** Takes the last decision about each of these messages back; returns how many could not be. */
export async function takeBack(ids) {
  let kept = 0;
  for (let start = 0; start < ids.length; start += UNDONE_AT_ONCE) {
    const some = ids.slice(start, start + UNDONE_AT_ONCE);
    const document = `mutation Undo(${some.map((_, number) => `$m${number}: ID!`).join(", ")}) { ${
      some.map((_, number) => `m${number}: undoDecision(input: { messageId: $m${number} }) { userErrors { message } }`).join(" ")} }`;
    const done = await fetchData(document, Object.fromEntries(some.map((id, number) => [`m${number}`, id])));
    kept += Object.values(done).filter(({ userErrors }) => userErrors.length).length;
  }
  return kept;
}

/** Says that a stopped relay, domain or lane works again. */
export const resume = (kind, name) => mutate(RESUME[kind], { input: { [kind]: name } });
export const resumeCampaign = (campaignId) => mutate(RESUME_CAMPAIGN, { input: { campaignId } });
export const correct = (input) => mutate(CORRECT, { input });
/** Gives a received mail to a customer; returns the id of the message it became, or null. */
export const assign = async (mailId, customerId) => (await mutate(ASSIGN, { input: { mailId, customerId } })).message?.id ?? null;
/** Takes received mail off the list, or puts it back; at most `MOST_MAILS`. */
export const setAside = (mailIds, dismissed) => mutate(SET_ASIDE, { input: { mailIds, dismissed } });
/** Asks DNS about a sender now. */
export const checkSender = async (id, options) => (await fetchData(CHECK, { id }, options)).checkSender;
