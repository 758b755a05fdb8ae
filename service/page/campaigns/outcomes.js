// What became of a campaign's recipients, as numbers: each is a set that the API can list, and all add up to the audience.

/** Causes of mail that a retry to the same address cannot mend: `retryCampaign` leaves them. */
export const HOPELESS = ["OPTED_OUT", "SUPPRESSED", "BAD_ADDRESS", "BAD_DOMAIN"];

/** Every outcome of who was launched to: its count in `progress`, the states that it counts, and how its part of the bar is drawn. */
export const OUTCOMES = [
  { name: "accepted", statuses: ["ACCEPTED"], part: "accepted" },
  { name: "refused", statuses: ["REFUSED"], part: "lost", retry: true },
  { name: "bounced", statuses: ["BOUNCED"], part: "lost", retry: true },
  { name: "expired", statuses: ["EXPIRED"], part: "lost", retry: true },
  { name: "held", statuses: ["HELD"], part: "lost", retry: true },
  { name: "uncertain", statuses: ["UNCERTAIN"], part: "unsure", settle: true },
  { name: "cancelled", statuses: ["CANCELLED"], part: "waiting" },
  { name: "onTheWire", statuses: ["HANDED_OFF"], part: "waiting" },
  { name: "queued", statuses: ["QUEUED", "DEFERRED"], part: "waiting" },
];
/** Shown though nobody has it: so that a campaign that begins has a line. */
const ALWAYS = new Set(["accepted"]);
/** The parts of the bar, from the left. */
const PARTS = ["accepted", "lost", "unsure", "waiting"];

export const LAUNCHED = OUTCOMES.flatMap(({ statuses }) => statuses);
export const RETRIED = OUTCOMES.filter(({ retry }) => retry).flatMap(({ statuses }) => statuses);

/** How many it was launched to: all but who was left out. */
export const launched = (progress) => progress.total - progress.leftOut;

/** How many of them a server was handed, and answered or left without an answer. */
export const handedOver = (progress) => progress.accepted + progress.refused + progress.bounced + progress.uncertain;

/** The outcomes that somebody has, in order: `{ name, statuses, part, count, share }`, the share of those launched to. */
export function outcomesOf(progress) {
  const all = launched(progress);
  return OUTCOMES.map((each) => ({ ...each, count: progress[each.name], share: all ? progress[each.name] / all : 0 }))
    .filter(({ name, count }) => count || ALWAYS.has(name));
}

/** The parts of the bar that are not empty: `{ part, count }`. */
export function barOf(progress) {
  const counted = PARTS.map((part) => ({
    part, count: OUTCOMES.filter((each) => each.part === part).reduce((sum, { name }) => sum + progress[name], 0),
  }));
  return counted.filter(({ count }) => count);
}

/** Whole percents handed over: 100 only when all are. */
export function percentDone(progress) {
  const all = launched(progress);
  return all ? Math.floor((100 * handedOver(progress)) / all) : 0;
}

/** Whether its numbers are of an audience that was frozen, so that they mean something. */
export const hasBegun = (campaign) => !["DRAFT", "SCHEDULED"].includes(campaign.status) && campaign.progress.total > 0;

/** When its first mailing that has not begun is due, or null. */
export function nextDue({ mailings }) {
  const due = mailings.filter(({ status, dueAt }) => dueAt && ["DRAFT", "SCHEDULED"].includes(status)).map(({ dueAt }) => dueAt);
  return due.toSorted((one, other) => new Date(one) - new Date(other))[0] ?? null;
}
