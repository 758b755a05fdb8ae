// Texts for the API's values, in one place, so that rows, popover and icons are consistent.

/** The status on info icons and in the popover's heading. */
const STATUS = {
  QUEUED: "Not sent yet: it waits for its turn",
  HANDED_OFF: "Being sent just now",
  DEFERRED: "Not sent yet: it will be tried again",
  ACCEPTED: "Sent: the server accepted it",
  REFUSED: "Not sent: the server refused it",
  UNCERTAIN: "Uncertain: nobody knows whether the server took it",
  HELD: "Not sent: it is held back",
  CANCELLED: "Not sent: it was cancelled",
  EXPIRED: "Not sent: its deadline passed",
  BOUNCED: "Bounced later: it came back after the server had accepted it",
  RECEIVED: "Received",
};

/** The status at the start of a row's second line. */
const STATUS_SHORT = {
  QUEUED: "Waiting",
  HANDED_OFF: "Being sent",
  DEFERRED: "Delayed",
  ACCEPTED: "Sent",
  REFUSED: "Refused",
  UNCERTAIN: "Uncertain",
  HELD: "Held back",
  CANCELLED: "Cancelled",
  EXPIRED: "Expired",
  BOUNCED: "Bounced later",
  RECEIVED: "Received",
};

const CAUSE = {
  BAD_ADDRESS: "no such mailbox",
  BAD_DOMAIN: "no such domain, or it takes no mail",
  MAILBOX_FULL: "the mailbox is full",
  INACTIVE: "the mailbox is switched off",
  POLICY: "the receiver's policy forbids it",
  SPAM: "the receiver takes it for spam",
  AUTHENTICATION: "SPF, DKIM or DMARC did not satisfy the receiver",
  REPUTATION: "the receiver mistrusts our server",
  SIZE: "the mail is too large",
  CONTENT: "the receiver does not like what is in it",
  GREYLISTED: "the receiver asks newcomers to come back later",
  RATE_LIMITED: "too much mail in too little time",
  RELAY_TROUBLE: "our mail server has trouble",
  DESTINATION_TROUBLE: "the receiving server has trouble",
  OUR_CONFIGURATION: "something is set up wrongly on our side",
  UNSUPPORTED: "a server on the way cannot handle this mail",
  CONNECTION_LOST: "the connection broke",
  TIMEOUT: "the server did not answer in time",
  SUPPRESSED: "the address is on the suppression list",
  OPTED_OUT: "the customer opted out of such mail",
  WRONG_RELAY: "it is bound to a relay that is not configured",
  DEADLINE: "its deadline passed",
  BY_PERSON: "a person decided so",
  UNKNOWN: "the server gave no reason we know",
};

const STAGE = {
  CONNECT: "while connecting",
  GREETING: "at the greeting",
  EHLO: "at EHLO",
  STARTTLS: "at STARTTLS",
  AUTH: "at the login",
  MAIL: "about the sender (MAIL FROM)",
  RCPT: "about the recipient (RCPT TO)",
  DATA: "before the content (DATA)",
  CONTENT: "while the content was under way",
  END_OF_DATA: "after the whole mail",
  REPORT: "in a report that came later",
};

const VERDICT = {
  ACCEPTED: "Accepted",
  DEFERRED: "Not now",
  REFUSED: "Refused",
  UNCERTAIN: "No answer after the mail had left",
};

const EVENT = {
  HELD: "Held back",
  CANCELLED: "Cancelled",
  EXPIRED: "Deadline passed",
  RETRIED: "Another try asked for",
  RETRIED_ONCE: "Tried once more without a person's word: it may arrive twice",
  ASSUMED_SENT: "Assumed sent",
  RESCUED: "Back in the queue: its worker was lost before anything was sent",
  UNCERTAIN: "Uncertain from here on",
  RELEASED: "Let go after being held",
  BOUNCED: "Bounced later: a report said that it came back",
  COMPLAINED: "Reported as spam by its reader",
  SUPPRESSED: "Address put on the suppression list",
  SUPPRESSION_LIFTED: "The suppression of its address was lifted",
  READDRESSED: "Sent to the customer's present address instead",
  OPTED_OUT: "The reader opted out by this mail",
  SETTLED: "Settled by evidence",
  QUEUED: "Put on its way",
  ATTEMPTED: "A try ended",
  OPENED: "Opened",
  CLICKED: "Link clicked",
  DELAYED: "Delayed: a report said that it is still tried",
  DELIVERED: "A report said that it is in the mailbox",
  RELAYED: "A report said that it was passed on; no more will be heard",
  EXPANDED: "A report said that it was passed on to a list's members",
  REPLIED: "Answered",
  RECEIVED: "Received",
  FORWARDED: "Forwarded to staff",
  ASSIGNED: "A person said whose it is",
  REPORT_BELIEVED: "A person believed the report",
  TRIGGERED: "An event at the customer's set it off",
  DISMISSED: "Taken off the worklist",
  UNDONE: "The last decision was taken back",
};

/** The evidence of an event. */
const EVIDENCE = {
  LATE_ANSWER: "the server's answer, which came late",
  CLICK: "a person followed a link in it",
  REPORT: "a delivery report",
  REPLY: "an answer to it",
};

const OPT_OUT_KIND = { MARKETING: "marketing campaigns", EVENT_BASED: "event-based campaigns" };

/** The label of each detail of an event, and the texts of its values; null for a detail that is not shown. */
const DETAIL = {
  attempt: ["Attempt"],
  automatic: null,
  before: ["It was", "statusShort"],
  cause: ["Because", "cause"],
  decision: null,
  event: ["Event"],
  evidence: ["Evidence", "evidence"],
  feedbackType: ["Reported as"],
  formerAddress: ["It was for"],
  formerSha256: null,
  handedOffAt: ["Handed over"],
  hit: null,
  kinds: ["From", "optOutKind"],
  mail: null,
  matchedBy: ["Found by", "matchedBy"],
  message: null,
  owner: null,
  reason: ["Because", "suppression"],
  report: null,
  source: ["How", "optOutSource"],
  verdict: ["Verdict", "verdict"],
  verified: null,
};

const MATCHED_BY = {
  TOKEN: "a token of ours",
  MESSAGE_ID: "the mail that it names",
  ADDRESS: "the sender's address",
  PERSON: "a person",
};

const AUTHOR = { CUSTOMER: "Verified", OTHER: "Another address", UNVERIFIED: "Unverified sender" };

const AUTHOR_WHY = {
  CUSTOMER: "It is from the customer's address, and that was verified",
  OTHER: "It is not from the customer's address: a colleague answered our mail, or a person said whose it is",
  UNVERIFIED: "It is said to be from the customer or a reader of a copy, and nothing proves that: it may be forged",
};

const SOURCE = {
  CAMPAIGN: "Campaign",
  WORK_ORDER: "Work order",
  E_SIGNATURE: "E-signature",
  CARD_PROCESSING: "Card processing",
};

const CONNECTION_TYPE = {
  MARKETING_CAMPAIGN: "Marketing campaign",
  INDIVIDUAL_EMAIL: "Individual email",
};

const HIT_VERDICT = { HUMAN: "Person", MACHINE: "Machine", UNKNOWN: "Not certain" };

const HIT_REASON = {
  PREFETCH_HEADER: "the request said that it was a prefetch",
  HEAD_REQUEST: "it asked without reading (HEAD)",
  EMPTY_AGENT: "it named no user agent",
  SCANNER_AGENT: "its user agent is a known scanner's",
  PRIVACY_PROXY: "a mail privacy proxy fetches everything",
  IMAGE_PROXY: "an image proxy hides who asked",
  LINK_BURST: "several links of the mail within moments",
  MANY_MESSAGES: "one origin over many mails within moments",
  BEFORE_ANSWER: "it came before the server had taken the mail",
  HONEYPOT: "it followed a link that no person sees",
  BROWSER_AGENT: "its user agent is a browser's",
  UNRECOGNISED_AGENT: "its user agent is not known",
};

const SUPPRESSION = {
  BAD_ADDRESS: "no such mailbox",
  COMPLAINT: "reported our mail as spam",
  STAFF: "set by our people",
};

const OPT_OUT_SOURCE = {
  LINK: "by the unsubscribe page",
  ONE_CLICK: "by the unsubscribe button of the mail program",
  STAFF: "set by our people",
  COMPLAINT: "by a spam report",
};

/** Returns the text of a value; an unknown value's own name, made readable. */
const named = (words) => (value) =>
  value == null ? "" : (words[value] ?? value.toLowerCase().replaceAll("_", " "));

export const words = {
  status: named(STATUS),
  statusShort: named(STATUS_SHORT),
  cause: named(CAUSE),
  stage: named(STAGE),
  verdict: named(VERDICT),
  event: named(EVENT),
  evidence: named(EVIDENCE),
  optOutKind: named(OPT_OUT_KIND),
  source: named(SOURCE),
  connectionType: named(CONNECTION_TYPE),
  hitVerdict: named(HIT_VERDICT),
  hitReason: named(HIT_REASON),
  suppression: named(SUPPRESSION),
  optOutSource: named(OPT_OUT_SOURCE),
  author: named(AUTHOR),
  authorWhy: named(AUTHOR_WHY),
  matchedBy: named(MATCHED_BY),
  /** "no such mailbox" -> "No such mailbox." */
  sentence: (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
};

/** An event's details as `[label, value]`; an unknown detail is shown under its own name. */
export function evidenceOf(detail) {
  return Object.entries(detail ?? {}).flatMap(([name, value]) => {
    const known = Object.hasOwn(DETAIL, name) ? DETAIL[name] : [name];
    if (!known || value === null) return [];
    const [label, texts] = known;
    const textOf = texts ? words[texts] : String;
    return [[label, [value].flat().map(textOf).join(", ")]];
  });
}

/** What a mail waits for, as a sentence; empty when that is only its next attempt, whose time is shown. */
export function waitOf({ waitsFor, nextAttemptAt }) {
  if (!waitsFor || (nextAttemptAt && waitsFor === "The next attempt")) return "";
  // "The lane is paused: ..." is a sentence already.
  return waitsFor.includes(":") ? waitsFor : `Waits for ${waitsFor.charAt(0).toLowerCase()}${waitsFor.slice(1)}.`;
}

/** "1 mail", "3 mails". */
export const counted = (count, noun) => `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;

/** The recipient's address, with which many servers start a response: left out, since the line is short. */
const ECHO = /^(\d{3}(?: \d\.\d{1,3}\.\d{1,3})?) <[^<>\s]+>:? /;

/** A server's words on one line, without the echo. */
export const oneLine = (text) => (text ?? "").split(/\s+/).filter(Boolean).join(" ").replace(ECHO, "$1 ");

/** A server's response on one line: its code, then its text. The popover has it whole. */
export function responseLine(response) {
  if (!response) return "";
  const text = oneLine(response.text);
  const enhanced = response.enhancedCode && !text.includes(response.enhancedCode) ? `${response.enhancedCode} ` : "";
  return oneLine(text.startsWith(String(response.code)) ? text : `${response.code} ${enhanced}${text}`);
}
