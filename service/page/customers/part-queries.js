// What one customer's page asks for beside their mail: lists, campaigns, addresses; and what is changed there.
import { Refused } from "../errors.js";
import { fetchData, mutate, run } from "../graphql.js";
import { PAGE } from "../row-fields.js";

/** Lists that a search offers: more are found by typing on. */
const OFFERED = 8;
/** Mailings to come that are shown: a customer has a handful. */
const UPCOMING = 50;

const RECIPIENT = `id status leftOut dueAt mailing { number subject campaign { id title } }
  message { id occurredAt sentAt openedAt }`;

const LISTS = `query CustomerLists($id: ID!, $first: Int!, $after: String) {
  customer(id: $id) { list: lists(first: $first, after: $after) { edges { cursor node { addedAt by list { id name kind } } } ${PAGE} } }
}`;

const FIND_LISTS = `query FindLists($search: String!, $first: Int!) { lists(search: $search, first: $first) { nodes { id name kind } } }`;

const CAMPAIGNS = `query CustomerCampaigns($id: ID!, $first: Int!, $after: String) {
  customer(id: $id) { list: campaigns(first: $first, after: $after) { edges { cursor node { ${RECIPIENT} } } ${PAGE} } }
}`;

const TO_COME = `query ToCome($id: ID!, $first: Int!) {
  customer(id: $id) { campaigns(upcoming: true, first: $first) { edges { node { ${RECIPIENT} } } pageInfo { hasNextPage } } }
}`;

const ADDRESSES = `query CustomerAddresses($id: ID!) {
  customer(id: $id) { id externalRef replyTo addresses {
    address primary
    suppression { id reason scope suppressedAt by why heldMessages message { id } }
  } }
}`;

const MEMBERS = (mutation) => `mutation ChangeList($input: ${mutation === "addToList" ? "AddToListInput" : "RemoveFromListInput"}!) {
  done: ${mutation}(input: $input) { changed userErrors { code message field } }
}`;

const REPLACE = `mutation ReplaceAddresses($input: UpsertCustomersInput!) {
  done: upsertCustomers(input: $input) { warnings { message } userErrors { code message field } }
}`;

const OPT_OUT = `mutation SetOptOut($input: SetOptOutInput!) {
  done: setOptOut(input: $input) { customer { id } userErrors { code message field } }
}`;

async function readList(document, id, page, options) {
  const { data: { customer }, errors } = await run(document, { id, ...page }, options);
  if (!customer) return { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
  if (!customer.list) throw new Refused(errors?.[0]?.message ?? "", errors?.[0]?.extensions);
  return customer.list;
}

/** One page of the lists that a customer is in. */
export const readLists = (id, page, options) => readList(LISTS, id, page, options);

/** One page of what campaigns sent a customer, or left them out of. */
export const readCampaigns = (id, page, options) => readList(CAMPAIGNS, id, page, options);

/** What campaigns will still send: `{ rows, more }`. */
export async function readUpcoming(id, options) {
  const { customer } = await fetchData(TO_COME, { id, first: UPCOMING }, options);
  return { rows: (customer?.campaigns?.edges ?? []).map(({ node }) => node), more: customer?.campaigns?.pageInfo.hasNextPage ?? false };
}

/** A customer's addresses with what stands against them, and the address of ours by which mail joins their history. */
export const readAddresses = async (id, options) => (await fetchData(ADDRESSES, { id }, options)).customer;

/** Fixed lists by a part of their name: `{ id, name }`. */
export async function findFixedLists(search, options) {
  const { lists } = await fetchData(FIND_LISTS, { search, first: OFFERED }, options);
  return (lists?.nodes ?? []).filter(({ kind }) => kind === "FIXED").map(({ id, name }) => ({ id, name, detail: "" }));
}

export const addToList = (listId, customerId) => mutate(MEMBERS("addToList"), { input: { listId, customerIds: [customerId] } });
export const removeFromList = (listId, customerId) => mutate(MEMBERS("removeFromList"), { input: { listId, customerIds: [customerId] } });

/** Makes these a customer's addresses, the first the primary one; returns what warns of them. */
export const replaceAddresses = async (externalRef, addresses) =>
  (await mutate(REPLACE, { input: { customers: [{ externalRef, addresses }] } })).warnings.map((each) => each.message);

/** Writes down what a customer chose. */
export const setOptOut = (customerId, kind, optedOut) => mutate(OPT_OUT, { input: { customerId, kind, optedOut } });
