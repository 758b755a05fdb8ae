// What has to be right before a launch, each with the field where it is put right.
import { inLists, letterOf, shownMailings } from "./edit-draft.js";
import { cityOf, momentsOf, pastEverywhere } from "./edit-times.js";
import { said } from "../language.js";
import { momentText } from "../moments.js";

/** A moment that is past by more is refused at the launch. */
const GRACE_MS = 60_000;
/** Warnings of a letter that do not stop a launch. */
const LOOKS = ["CLIPPED", "IMAGE_WITHOUT_ALT", "LINK_NOT_HTTPS", "MERGE_KEY_UNKNOWN"];

/** States: `done`, `stops` a launch, `warns`, or `open`: not known yet. `target` is the id of the field. */
const check = (name, state, text, target, more = {}) => ({ name, state, text, target, ...more });

/** The mailing whose letter is looked at first, and which is sent as a test. */
export const firstLetter = (draft) => shownMailings(draft).find((each) => each.template) ?? null;

/** The first preview with this warning, of any mailing: `{ mailing, warning }`. */
function warned(draft, previews, code) {
  for (const mailing of shownMailings(draft)) {
    const warning = previews.get(mailing.key)?.warnings.find((each) => each.code === code);
    if (warning) return { mailing, warning };
  }
  return null;
}

/** Whom the draft would reach now: of all mailings, since one may leave out whom another reached; null when not known. */
export function reached(draft, previews) {
  const found = shownMailings(draft).filter((each) => each.template).map((each) => previews.get(each.key)?.audience);
  if (!found.length || found.some((each) => !each)) return null;
  const leftOut = new Map();
  for (const { reason, recipients } of found.flatMap((each) => each.leftOut)) leftOut.set(reason, (leftOut.get(reason) ?? 0) + recipients);
  return {
    messages: found.reduce((sum, each) => sum + Number(each.recipients.value), 0),
    people: Math.max(...found.map((each) => Number(each.recipients.value))),
    exact: found.every((each) => each.recipients.precision === "EXACT"),
    leftOut: [...leftOut].map(([reason, recipients]) => ({ reason, recipients })).sort((one, other) => other.recipients - one.recipients),
  };
}

/** "58 opted out, 34 suppressed". */
export const reasonsOf = (leftOut) => leftOut.map(({ reason, recipients }) => said.edit.leftOut[reason](recipients)).join(", ");

function audience({ draft, previews, loading, importing }) {
  const words = said.edit.checks.audience;
  if (importing) return check("audience", "stops", words.importing, "edit-lists");
  const named = draft.lists.length || draft.named;
  if (draft.kind === "EVENT_BASED" && !named) return check("audience", "done", words.events, "edit-lists");
  if (!named) return check("audience", "stops", words.nobody, "edit-lists");
  const found = reached(draft, previews);
  if (!found) {
    if (firstLetter(draft) && !loading && previews.size) return check("audience", "warns", words.tooMany, "edit-lists");
    return inLists(draft) || draft.lists.some((each) => each.kind === "DYNAMIC")
      ? check("audience", "open", words.inLists(inLists(draft)), "edit-lists")
      : check("audience", "stops", words.empty, "edit-lists");
  }
  if (!found.people) return check("audience", "stops", found.leftOut.length ? words.nobodyLeft(reasonsOf(found.leftOut)) : words.empty, "edit-lists");
  return check("audience", "done", words.people(found.people, found.exact), "edit-lists",
    found.leftOut.length ? { detail: words.leftOut(reasonsOf(found.leftOut)) } : {});
}

function letter({ draft, previews, faults }) {
  const words = said.edit.checks.letter;
  const without = shownMailings(draft).find((each) => !each.template);
  if (without) return check("letter", "stops", words.none, `edit-template-${without.key}`);
  for (const mailing of shownMailings(draft)) {
    const fault = faults.get(mailing.key)?.message;
    if (fault) return check("letter", "stops", fault, `edit-subject-${mailing.key}`);
  }
  const first = firstLetter(draft);
  const preview = first && previews.get(first.key);
  if (!preview) return check("letter", "open", words.open, `edit-subject-${first?.key}`);
  const looks = preview.warnings.filter((each) => LOOKS.includes(each.code));
  if (looks.length) return check("letter", "warns", looks[0].message, `edit-subject-${first.key}`, looks[1] ? { detail: words.more(looks.length - 1) } : {});
  return check("letter", "done", words.fits(preview.size), `edit-subject-${first.key}`);
}

function mergeFields({ draft, previews }) {
  const words = said.edit.checks.fields;
  const first = firstLetter(draft);
  if (!first || !previews.get(first.key)) return check("fields", "open", words.open, `edit-template-${first?.key ?? shownMailings(draft)[0]?.key}`);
  const found = warned(draft, previews, "MERGE_FIELD_MISSING");
  if (!found) return check("fields", "done", words.all, `edit-subject-${first.key}`);
  const { warning, mailing } = found;
  return check("fields", warning.blocking ? "stops" : "warns", warning.recipients ? words.lack(warning.recipients) : words.some, `edit-template-${mailing.key}`,
    { detail: warning.message, template: mailing.template.id });
}

function unsubscribe({ draft, previews, senders }) {
  const words = said.edit.checks.unsubscribe;
  const sender = senders.find((each) => each.id === draft.senderId);
  const first = firstLetter(draft);
  if (sender && !sender.postalAddress) return check("unsubscribe", "stops", words.noAddress(sender.name), "edit-sender");
  for (const code of ["UNSUBSCRIBE_MISSING", "POSTAL_ADDRESS_MISSING"]) {
    const found = warned(draft, previews, code);
    if (found) return check("unsubscribe", found.warning.blocking ? "stops" : "warns", found.warning.message, `edit-template-${found.mailing.key}`);
  }
  if (!first || !previews.get(first.key)) return check("unsubscribe", "open", words.open, `edit-template-${first?.key ?? shownMailings(draft)[0]?.key}`);
  return check("unsubscribe", "done", words.there, `edit-subject-${first.key}`);
}

/** Names that no DNS may hold (RFC 2606): for trying things out, and no reason to keep a launch away. */
const RESERVED = /(?:[.@](?:example|test|invalid|localhost)|[.@]example\.(?:com|net|org))$/i;

function domain({ draft, senders, domainCheck }) {
  const words = said.edit.checks.domain;
  if (!domainCheck) return check("domain", "open", words.open, "edit-sender");
  if (domainCheck.failed) return check("domain", "warns", words.notAsked, "edit-sender");
  if (domainCheck.ready) return check("domain", "done", words.fits, "edit-sender");
  const reserved = RESERVED.test(senders.find((each) => each.id === draft.senderId)?.from ?? "");
  const record = domainCheck.records.find((each) => each.ok === (domainCheck.ready === false ? false : null));
  const text = record ? `${record.kind.replace("_", " ")}: ${record.advice ?? words.notKnown}` : words.notKnown;
  return check("domain", domainCheck.ready === false && !reserved ? "stops" : "warns", text, "edit-sender",
    record?.wanted ? { copy: record.wanted, detail: words.put(record.name) } : {});
}

function testMessage({ draft, tested }) {
  const words = said.edit.checks.test;
  const mailing = firstLetter(draft);
  if (!tested) return check("test", "warns", words.never, "edit-test");
  if (!mailing || tested.letter !== letterOf(draft, mailing)) return check("test", "warns", words.changed, "edit-test");
  return check("test", "done", words.sent(tested.to, momentText(tested.at)), "edit-test");
}

/** What is wrong with the time of a mailing, as a sentence; null when nothing is. */
export function timeFault({ when }, now) {
  const words = said.edit.checks.time;
  if (when.kind === "at") {
    const [at] = momentsOf(when.local, when.zone);
    if (!when.local) return words.missing;
    if (!at) return words.skipped(when.local, cityOf(when.zone));
    if (Date.parse(at) < now - GRACE_MS) return words.past;
  }
  if (when.kind === "local") {
    if (!when.local) return words.missing;
    if (pastEverywhere(when.local, now - GRACE_MS)) return words.past;
  }
  return null;
}

function time({ draft, now }) {
  const words = said.edit.checks.time;
  for (const mailing of shownMailings(draft)) {
    const fault = timeFault(mailing, now);
    if (fault) return check("time", "stops", fault, `edit-when-${mailing.key}`);
  }
  const [first] = shownMailings(draft);
  const twice = shownMailings(draft).find(({ when }) => when.kind === "at" && momentsOf(when.local, when.zone).length > 1);
  if (twice) return check("time", "warns", words.twice(cityOf(twice.when.zone)), `edit-when-${twice.key}`);
  return check("time", "done", words[first.when.kind === "now" ? "now" : "fits"], `edit-when-${first.key}`);
}

/**
 * All checks, in the order of the page. `given`: the draft, `previews` by mailing key, `faults` of saving by part,
 * `senders`, `domainCheck`, `tested` (the last test message: `{ letter, to, at }`), `loading`, `importing` (whether a list is still being filled here), `now` in milliseconds.
 */
export const checksOf = (given) => [audience, letter, mergeFields, unsubscribe, domain, testMessage, time].map((each) => each(given));

/** How many things are to do: what stops a launch, and what warns. */
export const toDo = (checks) => checks.filter(({ state }) => state === "stops" || state === "warns").length;

/** Where the reader goes on: the first of the page's own fields that is not done; null when nothing keeps from the launch. */
export const nextTarget = (checks) =>
  checks.find(({ name, state }) => state === "stops" && name !== "domain" || (name === "test" && state === "warns"))?.target ?? null;
