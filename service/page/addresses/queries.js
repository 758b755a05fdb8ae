// What the three lists of addresses ask for, and what is done about one.
import { Refused } from "../errors.js";
import { fetchData, mutate, run } from "../graphql.js";
import { PAGE, shorten } from "../row-fields.js";

const STANDS = "id reason scope suppressedAt by why heldMessages message { id subject occurredAt }";

const BAD = `query BadAddresses($search: String, $first: Int!, $after: String) {
  list: badAddresses(search: $search, first: $first, after: $after) {
    edges { cursor node {
      id address failedAt failingSince cause waitingMessages
      customer { id name externalRef }
      message { id subject actions info { response { code enhancedCode text } report { text verified } } }
      suppression { ${STANDS} }
      solutions { kind text address }
    } } ${PAGE}
  }
}`;

const SUPPRESSED = `query Suppressed($search: String, $first: Int!, $after: String) {
  list: suppressions(search: $search, first: $first, after: $after) {
    edges { cursor node { ${STANDS} address customer { id name externalRef } } } ${PAGE}
  }
}`;

const OPTED_OUT = `query OptedOut($search: String, $first: Int!, $after: String) {
  list: customers(search: $search, filter: { optedOut: true }, orderBy: NEWEST, first: $first, after: $after) {
    edges { cursor node {
      id name externalRef addresses { address primary }
      optOuts { marketing { optedOutAt by source } eventBased { optedOutAt by source } }
    } } ${PAGE}
  }
}`;

const COUNTS = `query AddressCounts {
  badAddresses(first: 1) { totalCount { value precision } }
  suppressions(first: 1) { totalCount { value precision } }
  customers(filter: { optedOut: true }, first: 1) { totalCount { value precision } }
}`;

const FILES = {
  bad: "query ExportBadAddresses($search: String) { list: badAddresses(search: $search, first: 1) { exportUrl } }",
  suppressed: "query ExportSuppressed($search: String) { list: suppressions(search: $search, first: 1) { exportUrl } }",
  "opted-out": "query ExportOptedOut($search: String) { list: customers(search: $search, filter: { optedOut: true }, orderBy: NEWEST, first: 1) { exportUrl } }",
};

const CORRECT = `mutation Correct($input: CorrectAddressInput!) {
  done: correctAddress(input: $input) { retried customer { id } userErrors { code message field } }
}`;

const LIFT = `mutation Lift($input: LiftSuppressionInput!) {
  done: liftSuppression(input: $input) { released suppression { id } userErrors { code message field } }
}`;

const AGAIN = `mutation SuppressAgain($input: SuppressAgainInput!) {
  done: suppressAgain(input: $input) { suppression { id } userErrors { code message field } }
}`;

const RETRY = `mutation Retry($input: MessageInput!) {
  done: retryMessage(input: $input) { message { id } userErrors { code message field } }
}`;

/** One page of each list; a search that the API refuses finds nothing. */
export const readBad = ({ search, ...page }, options) => readList(BAD, search, page, options);
export const readSuppressed = ({ search, ...page }, options) => readList(SUPPRESSED, search, page, options);
export const readOptedOut = ({ search, ...page }, options) => readList(OPTED_OUT, search, page, options);

async function readList(document, search, page, options) {
  const { data: { list }, errors } = await run(document, { search: search || null, ...page }, options);
  const fault = errors?.[0];
  if (!list && fault?.extensions?.argument === "search") return { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
  if (!list) throw new Refused(fault?.message ?? "", fault?.extensions);
  list.edges.forEach(({ node }) => shorten(node.message?.info));
  return list;
}

/** How many each list has, by tab: `{ value, precision }`. */
export async function readCounts(options) {
  const { badAddresses, suppressions, customers } = await fetchData(COUNTS, {}, options);
  return { bad: badAddresses?.totalCount ?? null, suppressed: suppressions?.totalCount ?? null, "opted-out": customers.totalCount ?? null };
}

/** Where the list of a tab is a file, for five minutes; null where the search is too long for an address. */
export const exportUrl = async (tab, search, options) => (await fetchData(FILES[tab], { search: search || null }, options)).list?.exportUrl ?? null;

/** Replaces a customer's address; returns how many messages go out again. */
export const correctAddress = async (input) => (await mutate(CORRECT, { input })).retried;

/** An address may be mailed again; returns how many held messages go out, and the id of what was lifted. */
export async function liftSuppression(input) {
  const { released, suppression } = await mutate(LIFT, { input });
  return { released, id: suppression.id };
}

/** What was lifted stands again. */
export const suppressAgain = (suppressionId) => mutate(AGAIN, { input: { suppressionId } });

export const retryMessage = (messageId) => mutate(RETRY, { input: { messageId } });
