// What the customers' views ask for.
import { Refused } from "../errors.js";
import { fetchData, run } from "../graphql.js";
import { said } from "../language.js";
import { OUTCOME, PAGE, shorten } from "../row-fields.js";

const WHO = "customer(id: $id, externalRef: $ref)";
const WHO_VARIABLES = "$id: ID, $ref: String";
const SENT_ROW = "campaignTitle subject occurredAt sentAt openedAt clickCount info { ...Outcome } message { id }";
const NOTE_ROW = `occurredAt direction sourceType connectionType title openedAt clickCount colorHint
  info { ...Outcome } message { id received { author automatic } }`;

const CUSTOMER = `query Customer(${WHO_VARIABLES}) {
  ${WHO} {
    id externalRef name locale timeZone replyTo latestEmail { occurredAt }
    addresses { address primary suppressedSince suppressionReason }
    optOuts { marketing { optedOutAt by source } eventBased { optedOutAt by source } }
  }
}`;

const CUSTOMERS = `query Customers($search: String, $attention: Boolean, $first: Int!, $after: String) {
  customers(search: $search, filter: { needsAttention: $attention }, first: $first, after: $after) {
    edges { cursor node {
      id externalRef name failedEmails uncertainEmails
      addresses { address primary suppressedSince }
      latestEmail { occurredAt direction title info { ...Outcome } }
    } }
    ${PAGE}
  }
}${OUTCOME}`;

const SENT = `query Sent(${WHO_VARIABLES}, $first: Int!, $after: String) {
  ${WHO} { emails { sent(first: $first, after: $after) { edges { cursor node { ${SENT_ROW} } } ${PAGE} } } }
}${OUTCOME}`;

const NOTES = `query Notes(${WHO_VARIABLES}, $first: Int!, $after: String) {
  ${WHO} { emails { connectionNotes(first: $first, after: $after) { edges { cursor node { ${NOTE_ROW} } } ${PAGE} } } }
}${OUTCOME}`;

const CLICKS = `query Clicks(${WHO_VARIABLES}, $message: ID, $machines: Boolean!, $first: Int!, $after: String) {
  ${WHO} { emails { clicks(messageId: $message, includeMachine: $machines, first: $first, after: $after) {
    edges { cursor node { clickedAt url campaignTitle subject verdict reasons message { id } } } ${PAGE}
  } } }
}`;

const MESSAGE_ROW = `query Row($id: ID!) {
  message(id: $id) { id customer { id } subject occurredAt openedAt clickCount campaign { title } info { ...Outcome } }
}${OUTCOME}`;

/** Variables for a reference: `Customer_42` is a global id; anything else is the CRM's own reference. */
const customerBy = (reference) => (/^Customer_\d+$/.test(reference) ? { id: reference } : { ref: reference });

/** The customer of a reference, or null. */
export async function readCustomer(reference, options) {
  return (await fetchData(CUSTOMER, customerBy(reference), options)).customer;
}

/** One page of customers, newest first, or of a search's results; `attention`: only those with mail that waits for a person. */
export async function readCustomers({ search, attention, first, after }, options) {
  return (await fetchData(CUSTOMERS, { search: search || null, attention: attention || null, first, after }, options)).customers;
}

/** One page of the first list. */
export const readSent = (reference, page, options) =>
  readList(SENT, "sent", { ...customerBy(reference), ...page }, options);

/** One page of the third list. */
export const readNotes = (reference, page, options) =>
  readList(NOTES, "connectionNotes", { ...customerBy(reference), ...page }, options);

/** One page of the second list, of one message when `message` is given. */
export const readClicks = (reference, { message, machines, ...page }, options) =>
  readList(CLICKS, "clicks", { ...customerBy(reference), message, machines, ...page }, options);

async function readList(document, name, variables, options) {
  const { data: { customer }, errors } = await run(document, variables, options);
  if (!customer) return { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
  const list = customer.emails[name];
  if (!list) throw new Refused(said.emails.unreadable, errors?.[0]?.extensions);
  list.edges.forEach(({ node }) => shorten(node.info));
  return list;
}

/** The fields of one message's row, or null. */
export async function readRow(id, options) {
  const { message } = await fetchData(MESSAGE_ROW, { id }, options);
  shorten(message?.info);
  return message;
}
