// What the popover of one mail asks for, and the mutations of its actions.
import { fetchData, mutate } from "../graphql.js";

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

/** Does one of the actions that the API names, with its input. Throws Refused with the gateway's messages. */
export async function act(action, input) {
  await mutate(ACTIONS[action], { input });
}
