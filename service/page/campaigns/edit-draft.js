// A campaign's draft as the editor holds it, and as the API takes it.
import { localTimeOf, momentsOf, tomorrowAtNine } from "./edit-times.js";

let keys = 0;

/** When a mailing goes: at the launch, unless something else is chosen. */
const atOnce = (zone, now) => ({ kind: "now", local: tomorrowAtNine(now, zone), zone, days: 7, minutes: 0, localTime: "09:00" });

/** A draft that was not saved yet. */
export function newDraft({ title, sender, now = Date.now(), zone }) {
  const draft = {
    title, kind: "MARKETING", priority: 4, tracked: true, senderId: sender?.id ?? null, zone: sender?.timeZone ?? zone,
    named: 0, lists: [], excluded: [], mailings: [],
  };
  draft.mailings.push(newMailing(draft, now));
  return draft;
}

/** A mailing without a letter. A second one goes a week after the launch. */
export function newMailing(draft, now = Date.now()) {
  const when = atOnce(draft.zone, now);
  if (draft.kind === "EVENT_BASED" || draft.mailings.length) Object.assign(when, { kind: "after", days: draft.mailings.length ? 7 : 0, localTime: "" });
  return { key: `m${++keys}`, id: null, template: null, version: null, newest: null, templateSubject: "", subject: "", when, notOpened: null, gone: false };
}

/** The draft of a campaign that was read. */
export function draftOf(campaign, now = Date.now()) {
  const zone = campaign.sender.timeZone;
  const draft = {
    title: campaign.title, kind: campaign.kind, priority: campaign.priority, tracked: campaign.tracked, senderId: campaign.sender.id, zone,
    named: campaign.audienceSize, lists: [...campaign.lists], excluded: [...campaign.excludedLists], mailings: [],
  };
  draft.mailings = campaign.mailings.map((each) => mailingOf(each, zone, now));
  if (!draft.mailings.length) draft.mailings.push(newMailing(draft, now));
  return draft;
}

function mailingOf({ id, subject, template, schedule, notOpened }, zone, now) {
  return {
    key: `m${++keys}`, id, template: { id: template.template.id, name: template.template.name }, version: template.number,
    newest: template.template.version, templateSubject: template.subject, subject, when: whenOf(schedule, zone, now),
    notOpened: notOpened?.id ?? null, gone: false,
  };
}

/** A schedule of the API as the editor shows it. */
export function whenOf(schedule, zone, now) {
  const when = atOnce(zone, now);
  if (!schedule) return when;
  if (schedule.sendAt) return { ...when, kind: "at", local: localTimeOf(schedule.sendAt, zone) };
  if (schedule.atLocalTime) return { ...when, kind: "local", local: schedule.atLocalTime.slice(0, 16) };
  return { ...when, kind: "after", days: schedule.afterDays ?? 0, minutes: schedule.afterMinutes ?? 0, localTime: schedule.localTime?.slice(0, 5) ?? "" };
}

/** What the API takes for it; undefined when it is no time that can be. */
export function scheduleOf(when) {
  if (when.kind === "now") return null;
  if (when.kind === "local") return when.local ? { atLocalTime: when.local } : undefined;
  if (when.kind === "after") return { after: { days: when.days, minutes: when.minutes, localTime: when.localTime || null } };
  const [at] = momentsOf(when.local, when.zone);
  return at ? { at } : undefined;
}

/** The campaign's own fields, for `createCampaign` and `updateCampaign`. */
export const campaignInput = (draft) => ({
  title: draft.title.trim(), priority: draft.priority, senderId: draft.senderId, tracked: draft.tracked,
  listIds: draft.lists.map(({ id }) => id), excludedListIds: draft.excluded.map(({ id }) => id),
});

/** A `MailingInput`; null while it has no letter, or no time that can be. */
export function mailingInput(mailing) {
  const schedule = scheduleOf(mailing.when);
  if (!mailing.template || schedule === undefined) return null;
  const subject = mailing.subject.trim();
  return {
    templateId: mailing.template.id, templateVersion: mailing.version,
    // Without one of its own, the subject is the template's.
    subject: subject && subject !== mailing.templateSubject ? subject : null,
    schedule, notOpenedMailingId: mailing.notOpened,
  };
}

/** The mailings that are shown. */
export const shownMailings = (draft) => draft.mailings.filter((each) => !each.gone);

/** What a test message was of: it is told apart from a letter that was changed since. */
export const letterOf = (draft, mailing) => JSON.stringify([draft.senderId, mailing.template?.id, mailing.version, mailing.subject.trim()]);

/** How many are in the lists, none taken away: a bound of the audience, before a letter says who is left out. */
export const inLists = (draft) => draft.named + draft.lists.reduce((sum, { count }) => sum + Number(count?.value ?? 0), 0);
