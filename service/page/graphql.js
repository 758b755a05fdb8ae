// The only client of /graphql in the page: its queries, mutations and the subscription.
import { forgetSession, openSession, request, session } from "./session.js";
import { Offline, Refused, SignedOut } from "./errors.js";

const PROTOCOL = "graphql-transport-ws";
/** Characters of a server's response kept for a row; the popover reads all of it. */
const ROW_RESPONSE = 400;

const OUTCOME = `
  fragment Outcome on EmailInfo {
    colorHint status cause nextAttemptAt waitsFor sentAt tracked
    response { code enhancedCode text }
    report { text verified }
  }`;
const WHO = "customer(id: $id, externalRef: $ref)";
const WHO_VARIABLES = "$id: ID, $ref: String";
const PAGE = "pageInfo { hasNextPage endCursor }";
const SENT_ROW = "campaignTitle subject occurredAt sentAt openedAt clickCount info { ...Outcome } message { id }";
const NOTE_ROW = `occurredAt direction sourceType connectionType title openedAt clickCount colorHint
  info { ...Outcome } message { id received { author automatic } }`;

const CUSTOMER = `query Customer(${WHO_VARIABLES}) {
  ${WHO} {
    id externalRef name locale timeZone latestEmail { occurredAt }
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

const RESPONSE = "response { code enhancedCode text stage host tls }";
/** Entries of a mail's life that are read at once: more than nearly every mail has. */
const LIFE_ENTRIES = 50;
const REPORT = "report { id action verified receivedAt text statusCode reportedBy host cause }";
const LIFE = `nodes {
    kind occurredAt by detail verdict copy { role address name } ${REPORT} click { url } reply { id subject }
    attempt { number startedAt tookMs verdict cause advice stage relay host tls ${RESPONSE} unreadableReply }
  } pageInfo { hasNextPage endCursor }`;
const FURTHER = `query Life($id: ID!, $first: Int!, $after: String) { message(id: $id) { events(first: $first, after: $after) { ${LIFE} } } }`;
const INFO = `query Info($id: ID!, $first: Int!) {
  message(id: $id) {
    id direction sourceType subject occurredAt openedAt clickCount letterKind
    campaign { title kind }
    actions
    customer { id addresses { address primary } }
    attachments { name mediaType size url }
    received { from fromName author text quotedText cut automatic authentication forwardedAt }
    inReplyTo { id subject occurredAt }
    content { exact inexactWhy viewUrl rawUrl }
    events(first: $first) { ${LIFE} }
    info {
      colorHint status from to sentAt tracked decidedAt nextAttemptAt waitsFor cause advice
      ${RESPONSE}
      ${REPORT}
      copies { role address name status colorHint sentAt cause advice ${RESPONSE} ${REPORT} }
      preview { subject text }
    }
  }
}`;

/** The mutation of each action that `message { actions }` names. */
const ACTIONS = {
  RETRY: mutation("retryMessage", "MessageInput"),
  RETRY_TO_PRESENT_ADDRESS: mutation("retryMessage", "MessageInput", ", toPresentAddress: true"),
  ASSUME_SENT: mutation("assumeSent", "MessageInput"),
  CANCEL: mutation("cancelMessage", "MessageInput"),
  LIFT_SUPPRESSION: mutation("liftSuppression", "LiftSuppressionInput"),
  CORRECT_ADDRESS: mutation("correctAddress", "CorrectAddressInput"),
  BELIEVE_REPORT: mutation("believeReport", "BelieveReportInput"),
};

const CHANGES = "subscription Changes($id: ID!) { customerEmailsChanged(customerId: $id) { messageId kind } }";

function mutation(name, input, besides = "") {
  return `mutation Act($input: ${input}!) { done: ${name}(input: $input${besides}) { userErrors { message } } }`;
}

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
  if (!list) throw new Refused("This list cannot be read just now. Try again in a moment.", errors?.[0]?.extensions);
  list.edges.forEach(({ node }) => shorten(node.info));
  return list;
}

function shorten(info) {
  for (const each of [info?.response, info?.report]) if (each?.text) each.text = each.text.slice(0, ROW_RESPONSE);
}

/** The fields of one message's row, or null. */
export async function readRow(id, options) {
  const { message } = await fetchData(MESSAGE_ROW, { id }, options);
  shorten(message?.info);
  return message;
}

/** All fields of the popover of one message, or null. */
export async function readInfo(id, options) {
  return (await fetchData(INFO, { id, first: LIFE_ENTRIES }, options)).message;
}

/** What follows this cursor in the life of a message. */
export async function readLife(id, after, options) {
  return (await fetchData(FURTHER, { id, first: LIFE_ENTRIES, after }, options)).message.events;
}

/** Does one of the actions that the API names, with its input. Throws Refused with the gateway's messages. */
export async function act(action, input) {
  const { userErrors } = (await fetchData(ACTIONS[action], { input })).done;
  if (userErrors.length) throw new Refused(userErrors.map((error) => error.message).join(" "));
}

/** Returns the data of one operation. Throws Offline, SignedOut or Refused. */
const fetchData = async (document, variables, options) => (await run(document, variables, options)).data;

/** Runs one operation; returns `data` and `errors`: lists are nullable, so data may be partial. Throws like `fetchData`. */
async function run(document, variables, { signal, again = true } = {}) {
  const answer = await request("/graphql", {
    method: "POST",
    signal,
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json",
      "X-CSRF-Token": session()?.csrfToken ?? "",
    },
    body: JSON.stringify({ query: document, variables }),
  });
  if (answer.status === 401) {
    forgetSession();
    throw new SignedOut();
  }
  const { data, errors } = await readJson(answer);
  if (errors?.some((error) => error.extensions?.code === "CSRF_TOKEN_MISSING") && again) {
    // Another tab of this browser has signed in: the cookie, and so the CSRF token, is that session's.
    await openSession();
    return run(document, variables, { signal, again: false });
  }
  if (!data) throw new Refused(errors?.[0]?.message ?? `The service answered ${answer.status}.`, errors?.[0]?.extensions);
  return { data, errors };
}

async function readJson(answer) {
  try {
    return await answer.json();
  } catch {
    throw answer.status >= 500 ? new Offline() : new Refused(`The service answered ${answer.status}.`);
  }
}

/**
 * Subscribes to a customer's changes over a WebSocket (graphql-transport-ws). `onChange({ messageId, kind })`,
 * `onOpen()`, `onEnd()` when the connection is lost or refused. Returns a function that ends the subscription.
 */
export function subscribeToCustomer(customerId, { onChange, onOpen, onEnd }) {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/graphql`, PROTOCOL);
  const send = (message) => socket.send(JSON.stringify(message));
  const handlers = {
    connection_ack() {
      send({ id: "changes", type: "subscribe", payload: { query: CHANGES, variables: { id: customerId } } });
      onOpen();
    },
    next({ payload }) {
      if (payload.data?.customerEmailsChanged) onChange(payload.data.customerEmailsChanged);
    },
    ping: () => send({ type: "pong" }),
    error: () => socket.close(),
    complete: () => socket.close(),
  };
  socket.onopen = () => send({ type: "connection_init" });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    handlers[message.type]?.(message);
  };
  socket.onclose = onEnd;
  return () => {
    socket.onclose = null;
    socket.close();
  };
}
