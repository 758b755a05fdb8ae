// What is asked about received mail that is nobody's, and said about it.
import { fetchData, mutate } from "../graphql.js";
import { PAGE } from "../row-fields.js";

/** Customers that a search offers: more are found by typing on. */
const OFFERED = 8;
/** Messages of a customer that are offered as what a report is about: reports come within days. */
const REPORTABLE = 20;

/** What a list asks of each mail that is opened from it. */
export const UNMATCHED_FIELDS = `id receivedAt kind reason from to subject excerpt size
  candidates { id name externalRef addresses { address primary } }`;

const ONE = `query Unmatched($id: ID!) { node(id: $id) { ... on UnmatchedMail { ${UNMATCHED_FIELDS} } } }`;

const FIND = `query FindCustomers($search: String!, $first: Int!) {
  customers(search: $search, first: $first) { edges { node { id name externalRef addresses { address primary } } } ${PAGE} }
}`;

const SENT_TO = `query SentTo($id: ID!, $first: Int!) {
  customer(id: $id) { emails { connectionNotes(first: $first, filter: { direction: SENT }) { nodes { title occurredAt message { id } } } } }
}`;

const ASSIGN = `mutation Assign($input: AssignMailInput!) {
  done: assignMail(input: $input) { message { id } userErrors { code message field } }
}`;

const DISMISS = `mutation SetAside($input: DismissMailInput!) {
  done: dismissMail(input: $input) { dismissed userErrors { code message field } }
}`;

const UNDO = `mutation UndoAssign($input: UndoDecisionInput!) {
  done: undoDecision(input: $input) { userErrors { code message field } }
}`;

/** The mail, or null when it is nobody's no more. */
export const readUnmatched = async (id, options) => (await fetchData(ONE, { id }, options)).node;

/** Customers found by a name, address or reference: `{ id, name, detail }`; none where the API refuses the search. */
export async function findCustomers(search, options) {
  try {
    const { customers } = await fetchData(FIND, { search, first: OFFERED }, options);
    return customers.edges.map(({ node }) => offered(node));
  } catch (error) {
    if (error.argument !== "search") throw error;
    return [];
  }
}

/** A customer as something to choose. */
export function offered({ id, name, externalRef, addresses }) {
  const address = (addresses.find((each) => each.primary) ?? addresses[0])?.address;
  return { id, name: name ?? externalRef, detail: [name ? externalRef : null, address].filter(Boolean).join(" · ") };
}

/** The newest messages sent to a customer: `{ id, title, occurredAt }`. */
export async function readSentTo(customerId, options) {
  const { customer } = await fetchData(SENT_TO, { id: customerId, first: REPORTABLE }, options);
  return (customer?.emails.connectionNotes?.nodes ?? []).map(({ title, occurredAt, message }) => ({ id: message.id, title, occurredAt }));
}

/** Says whose a mail is; `messageId` is what it answers or reports on, or null. Returns the id of the message it became. */
export const assignMail = async (mailId, customerId, messageId = null) =>
  (await mutate(ASSIGN, { input: { mailId, customerId, messageId } })).message.id;

/** Takes a mail off the list, or puts it back. */
export const setAside = (mailId, dismissed = true) => mutate(DISMISS, { input: { mailIds: [mailId], dismissed } });

/** The mail that became this message is nobody's again. */
export const undoAssign = (messageId) => mutate(UNDO, { input: { messageId } });
