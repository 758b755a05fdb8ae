// What the popover of one message asks for, and the mutations of its actions.
import { warnOf } from "../address-warning.js";
import { Refused } from "../errors.js";
import { fetchData, mutate } from "../graphql.js";
import { said } from "../language.js";
import { request } from "../session.js";

const RESPONSE = "response { code enhancedCode text stage host tls }";
/** Entries of a message's life that are read at once: more than nearly every message has. */
const LIFE_ENTRIES = 50;
/** Characters of a source that are shown; the file has all of it. */
const SHOWN_SOURCE = 200_000;
const REPORT = "report { id action verified receivedAt text statusCode reportedBy host cause }";
const LIFE = `nodes {
    kind occurredAt by detail verdict copy { role address name } ${REPORT} click { url } reply { id subject }
    attempt { number startedAt tookMs verdict cause advice stage relay host tls ${RESPONSE} unreadableReply }
  } pageInfo { hasNextPage endCursor }`;
const FURTHER = `query Life($id: ID!, $first: Int!, $after: String) { message(id: $id) { events(first: $first, after: $after) { ${LIFE} } } }`;
const INFO = `query Info($id: ID!, $first: Int!) {
  message(id: $id) {
    id direction sourceType status subject occurredAt openedAt clickCount letterKind reference
    campaign { id title kind }
    actions
    customer { id name externalRef addresses { address primary } }
    attachments { name mediaType size url }
    received { from fromName author text quotedText cut automatic authentication forwardedAt }
    inReplyTo { id subject occurredAt }
    content { exact inexactWhy viewUrl rawUrl sha256 size }
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
const TEXT = "query Text($id: ID!) { message(id: $id) { content { text } } }";
const DISMISS = `query Dismissing($filter: MessageFilter!) { previewMessageAction(action: DISMISS, filter: $filter) { token } }`;

/** The mutation of each action that `message { actions }` names. */
const ACTIONS = {
  RETRY: mutation("retryMessage", "MessageInput"),
  RETRY_TO_PRESENT_ADDRESS: mutation("retryMessage", "MessageInput", ", toPresentAddress: true"),
  ASSUME_SENT: mutation("assumeSent", "MessageInput"),
  CANCEL: mutation("cancelMessage", "MessageInput"),
  LIFT_SUPPRESSION: mutation("liftSuppression", "LiftSuppressionInput"),
  CORRECT_ADDRESS: mutation("correctAddress", "CorrectAddressInput"),
  BELIEVE_REPORT: mutation("believeReport", "BelieveReportInput"),
  DISMISS: mutation("dismissMessages", "DismissMessagesInput"),
  UNDO: mutation("undoDecision", "UndoDecisionInput"),
};

function mutation(name, input, besides = "") {
  return `mutation Act($input: ${input}!) { done: ${name}(input: $input${besides}) { userErrors { message } } }`;
}

/** All fields of the popover of one message, or null. */
export async function readInfo(id, options) {
  return (await fetchData(INFO, { id, first: LIFE_ENTRIES }, options)).message;
}

/** What follows this cursor in the life of a message. */
export async function readLife(id, after, options) {
  return (await fetchData(FURTHER, { id, first: LIFE_ENTRIES, after }, options)).message.events;
}

/** The text part of a message's content; null when it has none. */
export async function readText(id, options) {
  return (await fetchData(TEXT, { id }, options)).message?.content?.text ?? null;
}

/** The beginning of a message as it went out or came in, by its signed address: `{ text, cut }`. Throws Refused. */
export async function readSource(url, options) {
  const answer = await request(new URL(url).pathname, options);
  if (!answer.ok) throw new Refused(said.shared.answeredStatus(answer.status));
  const text = await answer.text();
  return { text: text.slice(0, SHOWN_SOURCE), cut: text.length > SHOWN_SOURCE };
}

/** Does one of the actions that the API names, with its input. Throws Refused with the gateway's messages. */
export async function act(action, input) {
  if (action === "CORRECT_ADDRESS") await warnOf(input.correctAddress);
  await mutate(ACTIONS[action], { input: action === "DISMISS" ? await dismissing(input) : input });
}

/** One message is taken off the worklist as many are: by a preview's token. */
async function dismissing({ messageId }) {
  const { previewMessageAction: { token } } = await fetchData(DISMISS, { filter: { ids: [messageId] } });
  if (!token) throw new Refused(said.shared.changedMeanwhile);
  return { token };
}
