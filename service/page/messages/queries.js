// What the list of messages asks for, and the mutations that act on many of them.
import { Refused } from "../errors.js";
import { fetchData, mutate } from "../graphql.js";
import { said } from "../language.js";
import { OUTCOME, PAGE, shorten } from "../row-fields.js";

const ROW = `id direction sourceType status subject occurredAt openedAt letterKind reference clickCount colorHint actions
  customer { id name externalRef } campaign { id title } received { from fromName author automatic }
  info { ...Outcome to }`;

const ARGUMENTS = "$filter: MessageFilter, $search: String, $orderBy: MessageOrder!";
const GIVEN = "filter: $filter, search: $search, orderBy: $orderBy";

const MESSAGES = `query Messages(${ARGUMENTS}, $first: Int!, $after: String, $counted: Boolean!) {
  messages(${GIVEN}, first: $first, after: $after) {
    edges { cursor node { ${ROW} } }
    totalCount @include(if: $counted) { value precision }
    searchedUntil @include(if: $counted)
    scannedTo
    ${PAGE}
  }
}${OUTCOME}`;

const ROWS = `query MessageRows($filter: MessageFilter!, $first: Int!) {
  messages(filter: $filter, first: $first) { nodes { ${ROW} } }
}${OUTCOME}`;

const EXPORT = `query Export(${ARGUMENTS}, $format: ExportFormat!) { messages(${GIVEN}, first: 1) { exportUrl(format: $format) } }`;

const CAMPAIGNS = "query Campaigns($first: Int!) { campaigns(first: $first) { nodes { id title } } }";
const CAMPAIGN = "query CampaignTitle($id: ID!) { campaign(id: $id) { id title } }";
const SENDERS = "query Senders($first: Int!) { senders(first: $first) { nodes { id name } } }";

const PREVIEW = `query Preview($action: BulkMessageAction!, $filter: MessageFilter!, $search: String) {
  previewMessageAction(action: $action, filter: $filter, search: $search) { token expiresAt messages more notAllowed stay { reason messages } causes { cause messages } }
}`;
const UNCERTAIN = `query HowManyUncertain($filter: MessageFilter!, $search: String) {
  messages(filter: $filter, search: $search, first: 1) { totalCount { value precision } }
}`;

const ACTIONS = {
  RETRY: ["retryMessages", "RetryMessagesInput"],
  RETRY_TO_PRESENT_ADDRESS: ["retryMessages", "RetryMessagesInput"],
  ASSUME_SENT: ["assumeSentMessages", "AssumeSentMessagesInput"],
  CANCEL: ["cancelMessages", "CancelMessagesInput"],
  DISMISS: ["dismissMessages", "DismissMessagesInput"],
};

/** Options of a chip at most: the newest campaigns, the first senders. */
const MAX_OPTIONS = 100;
/** Rows read again at most: those of one page. */
export const MAX_ROWS = 100;
/** Decisions taken back by one request: an operation may name a mutation so often. */
const UNDONE_AT_ONCE = 20;
/** Filters of which it is asked what their removal would find. */
const MAX_WITHOUT = 8;

/** Rows are known by `node.message.id` in every list. */
function asRow(node) {
  shorten(node.info);
  return { ...node, message: { id: node.id } };
}

/** One page; the first also has `totalCount` and `searchedUntil`. `asked` is what `readFilter` returns. */
export async function readMessages(asked, { first, after }, options) {
  const { messages } = await fetchData(MESSAGES, { ...asked, first, after, counted: after === null }, options);
  if (!messages) throw new Refused(said.shared.listNotRead);
  return { ...messages, edges: messages.edges.map(({ cursor, node }) => ({ cursor, node: asRow(node) })) };
}

/** The rows of these messages as they are now. */
export async function readRows(ids, options) {
  const { messages } = await fetchData(ROWS, { filter: { ids }, first: MAX_ROWS }, options);
  return messages.nodes.map(asRow);
}

/** Where all that is listed can be fetched as a file; null when the filter is too long for that. */
export async function readExportUrl(asked, format, options) {
  return (await fetchData(EXPORT, { ...asked, format }, options)).messages.exportUrl;
}

/** Campaigns as options of a chip; `ids` are those that are chosen, which may be archived. */
export async function readCampaigns(ids = [], options) {
  const { campaigns } = await fetchData(CAMPAIGNS, { first: MAX_OPTIONS }, options);
  const missing = ids.filter((id) => !campaigns.nodes.some((each) => each.id === id));
  const found = await Promise.all(missing.slice(0, MAX_WITHOUT).map(async (id) => (await fetchData(CAMPAIGN, { id }, options)).campaign));
  return [...campaigns.nodes, ...found.filter(Boolean)].map(({ id, title }) => ({ value: id, text: title }));
}

/** Senders as options of a chip. */
export async function readSenders(options) {
  const { senders } = await fetchData(SENDERS, { first: MAX_OPTIONS }, options);
  return (senders?.nodes ?? []).map(({ id, name }) => ({ value: id, text: name }));
}

/** How many each of these filters finds: `[{ filter, search }]` -> numbers. */
export async function countEach(asked, options) {
  const some = asked.slice(0, MAX_WITHOUT);
  if (!some.length) return [];
  const parameters = some.map((_, place) => `$f${place}: MessageFilter, $s${place}: String`).join(", ");
  const fields = some.map((_, place) => `c${place}: messages(filter: $f${place}, search: $s${place}, first: 1) { totalCount { value } }`).join(" ");
  const variables = Object.fromEntries(some.flatMap(({ filter, search }, place) => [[`f${place}`, filter], [`s${place}`, search]]));
  const found = await fetchData(`query Without(${parameters}) { ${fields} }`, variables, options);
  return some.map((_, place) => found[`c${place}`]?.totalCount?.value ?? 0);
}

/** What an action would do, with `uncertain`: how many of a retry's messages may arrive twice. */
export async function preview(action, { filter, search }, options) {
  const { previewMessageAction: found } = await fetchData(PREVIEW, { action, filter, search }, options);
  if (!found) throw new Refused(said.shared.notPlanned);
  const mayBeUncertain = action.startsWith("RETRY") && found.messages > 0 && (!filter.statuses || filter.statuses.includes("UNCERTAIN"));
  if (!mayBeUncertain) return { ...found, uncertain: null };
  const { messages } = await fetchData(UNCERTAIN, { filter: { ...filter, statuses: ["UNCERTAIN"] }, search }, options);
  return { ...found, uncertain: messages?.totalCount?.value ? messages.totalCount : null };
}

/** Does what a preview's token says: `{ done, skipped }`. The same token again returns the first result. */
export function act(action, token) {
  const [name, input] = ACTIONS[action];
  return mutate(`mutation Act($input: ${input}!) { done: ${name}(input: $input) { done skipped userErrors { message code } } }`, { input: { token } });
}

/** Takes the last decision about each of these messages back. Throws Refused with the reasons of those that stay. */
export async function undoAll(ids) {
  const faults = [];
  for (let start = 0; start < ids.length; start += UNDONE_AT_ONCE) {
    const some = ids.slice(start, start + UNDONE_AT_ONCE);
    const parameters = some.map((_, place) => `$i${place}: UndoDecisionInput!`).join(", ");
    const fields = some.map((_, place) => `u${place}: undoDecision(input: $i${place}) { userErrors { message } }`).join(" ");
    const variables = Object.fromEntries(some.map((messageId, place) => [`i${place}`, { messageId }]));
    const found = await fetchData(`mutation Undo(${parameters}) { ${fields} }`, variables);
    faults.push(...Object.values(found).flatMap((each) => each?.userErrors.map((error) => error.message) ?? []));
  }
  if (faults.length) throw new Refused([...new Set(faults)].join(" "));
}
