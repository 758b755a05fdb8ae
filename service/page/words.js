// Texts for the API's values, in one place, so that rows, popover and icons are consistent: in languages/, under `words`.
import { said } from "./language.js";
import { number } from "./numbers.js";

/** The details of an event that are shown, with what their values are; what is not listed is shown under its own name. */
const DETAIL = {
  attempt: null,
  before: "statusShort",
  cause: "cause",
  event: null,
  evidence: "evidence",
  feedbackType: null,
  formerAddress: null,
  handedOffAt: null,
  kinds: "optOutKind",
  matchedBy: "matchedBy",
  reason: "suppression",
  source: "optOutSource",
  verdict: "verdict",
};
/** Of no use to a reader. */
const HIDDEN = new Set(["automatic", "decision", "formerSha256", "hit", "mail", "message", "owner", "report", "verified"]);
const VALUES = [
  "status", "statusShort", "cause", "stage", "verdict", "event", "evidence", "optOutKind", "source", "connectionType", "hitVerdict", "hitReason", "suppression", "optOutSource",
  "author", "authorWhy", "matchedBy",
];

/** The text of a value in the reader's language; an unknown value's own name, made readable. */
const named = (kind) => (value) => {
  if (value == null) return "";
  const texts = said.words[kind];
  return Object.hasOwn(texts, value) ? texts[value] : value.toLowerCase().replaceAll("_", " ");
};

export const words = {
  ...Object.fromEntries(VALUES.map((kind) => [kind, named(kind)])),
  /** "no such mailbox" -> "No such mailbox." */
  sentence: (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
};

/** An event's details as `[label, value]`; an unknown detail is shown under its own name. */
export function evidenceOf(detail) {
  return Object.entries(detail ?? {}).flatMap(([name, value]) => {
    if (HIDDEN.has(name) || value === null) return [];
    const known = Object.hasOwn(DETAIL, name);
    const textOf = known && DETAIL[name] ? words[DETAIL[name]] : String;
    return [[known ? said.words.detail[name] : name, [value].flat().map(textOf).join(", ")]];
  });
}

/** What a mail waits for, as a sentence; empty when that is only its next attempt, whose time is shown. */
export function waitOf({ waitsFor, nextAttemptAt }) {
  if (!waitsFor || (nextAttemptAt && waitsFor === "The next attempt")) return "";
  // "The lane is paused: ..." is a sentence already.
  return waitsFor.includes(":") ? waitsFor : said.words.waitsFor(waitsFor);
}

/** "1 mail", "3 mails". */
export const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

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
