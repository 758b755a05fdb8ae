// What the worklist shows, by group: rows from the API's lists, and what a later reading changes without moving any.
import { READ } from "./queries.js";

/** Rows of a group on the worklist; "All 41" has the others. */
export const SHOWN = 5;

/** The groups in order: their names in the address, and whether their lists are read from the oldest row on. */
export const GROUPS = {
  relays: { oldestFirst: true },
  uncertain: { oldestFirst: true },
  held: { oldestFirst: true },
  unsent: { oldestFirst: true },
  "bad-addresses": { oldestFirst: false },
  unmatched: { oldestFirst: false },
  campaigns: { oldestFirst: false },
  senders: { oldestFirst: true },
};

const row = (kind, key, since, value) => ({ kind, key, since, value });

/** A row of each kind, by what identifies it from one reading to the next. */
export const ROW = {
  relay: (relay) => row("relay", `relay ${relay.name}`, relay.stoppedAt, relay),
  domain: (domain) => row("domain", `domain ${domain.domain}`, domain.stoppedAt, domain),
  lane: (lane) => row("lane", `lane ${lane.name}`, lane.pausedAt, lane),
  // The API has no id of an incident: its first message tells it from others of that moment.
  incident: (incident) => row("incident", `incident ${incident.filter.ids[0]}`, incident.startedAt, incident),
  message: (message) => row("message", message.id, message.info.decidedAt ?? message.occurredAt, message),
  address: (address) => row("address", address.id, address.failedAt, address),
  mail: (mail) => row("mail", mail.id, mail.receivedAt, mail),
  campaign: (campaign) => row("campaign", campaign.id, campaign.pausedAt ?? campaign.finishedAt ?? campaign.launchedAt ?? campaign.createdAt, campaign),
  sender: (check) => row("sender", check.sender.id, null, check),
};

const EXACT = (value) => ({ value, precision: "EXACT" });

function stopped(lists) {
  const { stoppedRelays, stoppedDestinations, pausedLanes } = lists;
  const rows = [...(stoppedRelays ?? []).map(ROW.relay), ...(stoppedDestinations ?? []).map(ROW.domain), ...(pausedLanes ?? []).map(ROW.lane)];
  rows.sort((one, other) => Date.parse(one.since) - Date.parse(other.since));
  return { rows, count: EXACT(rows.length), whole: true };
}

/** A list of the API as `{ rows, count, whole }`; null when it could not be read. */
function connection(list, kind) {
  if (!list) return null;
  const rows = list.edges.map(({ node }) => ROW[kind](node));
  return { rows, count: list.totalCount ?? EXACT(rows.length), whole: !list.pageInfo.hasNextPage };
}

const READERS = {
  relays: stopped,
  uncertain: ({ incidents, uncertain }) =>
    incidents && { rows: incidents.map(ROW.incident), count: uncertain?.totalCount ?? EXACT(incidents.reduce((sum, each) => sum + each.messages, 0)), whole: incidents.length < 100 },
  held: ({ held }) => connection(held, "message"),
  unsent: ({ failed }) => connection(failed, "message"),
  "bad-addresses": ({ badAddresses }) => connection(badAddresses, "address"),
  unmatched: ({ unmatchedMail }) => connection(unmatchedMail, "mail"),
  campaigns: ({ campaigns }) => connection(campaigns, "campaign"),
  senders: ({ senders }) => senders && { rows: senders.map(ROW.sender), count: EXACT(senders.length), whole: true },
};

/** The lists of `needsAttention` that each group reads. */
const LISTS = {
  relays: ["stoppedRelays", "stoppedDestinations", "pausedLanes"],
  uncertain: ["incidents"],
  held: ["held"],
  unsent: ["failed"],
  "bad-addresses": ["badAddresses"],
  unmatched: ["unmatchedMail"],
  campaigns: ["campaigns"],
  senders: ["senders"],
};

/**
 * The groups of a reading that have rows, or could not be read: `{ name, rows, shown, count, whole, fault }`, `count` as the API
 * counts (`{ value, precision }`), `whole` when the list has no further rows than were read.
 */
export function groupsOf({ lists, refused }) {
  return Object.keys(GROUPS).flatMap((name) => {
    const fault = LISTS[name].map((list) => refused[list]).find(Boolean) ?? null;
    const read = READERS[name](lists);
    const { rows, count, whole } = read ?? { rows: [], count: EXACT(0), whole: false };
    return rows.length || fault ? [{ name, rows, shown: SHOWN, count, whole, fault }] : [];
  });
}

/** The rows of a group that the worklist shows: the others are behind "All 41", or come up when these are settled. */
export const visible = ({ rows, shown }) => rows.slice(0, shown);

/** Whether a row that a later reading has no more was settled: it may only have come behind the rows that are read. */
const isGone = (name, fresh) => !fresh || (!fresh.fault && (fresh.whole || GROUPS[name].oldestFirst || fresh.rows.length < READ));

/**
 * The groups after a later reading, nothing moved: known rows are renewed in place, settled ones stay and are marked
 * `gone`, and new ones wait. Returns `{ groups, waiting }`, the number of rows that `fresh` would show beside those.
 */
export function renewed(shown, fresh) {
  const found = new Map(fresh.map((group) => [group.name, group]));
  const groups = shown.map((group) => {
    const now = found.get(group.name);
    if (now?.fault) return group;
    const known = new Map((now?.rows ?? []).map((each) => [each.key, each]));
    const rows = visible(group).map((each) => known.get(each.key) ?? (isGone(group.name, now) ? { ...each, gone: true } : each));
    const keys = new Set(rows.map((each) => each.key));
    const behind = (now?.rows ?? []).filter((each) => !keys.has(each.key));
    return { ...group, rows: [...rows, ...behind], shown: rows.length, count: now?.count ?? EXACT(0), whole: now?.whole ?? true, fault: null };
  });
  const shownKeys = new Set(shown.flatMap((group) => visible(group).map((each) => each.key)));
  const waiting = fresh.flatMap(visible).filter((each) => !shownKeys.has(each.key)).length;
  return { groups, waiting };
}

/** The groups without one row, which a person has settled; the next one behind comes up in its place. */
export function without(groups, key) {
  return groups.flatMap((group) => {
    const settled = group.rows.find((each) => each.key === key);
    if (!settled) return [group];
    const rows = group.rows.filter((each) => each !== settled);
    const count = { ...group.count, value: Math.max(0, group.count.value - sizeOf(settled)) };
    return rows.length || group.fault ? [{ ...group, rows, count }] : [];
  });
}

/** How many things a row is. */
export const sizeOf = ({ kind, value }) => (kind === "incident" ? value.messages : 1);

/** Since when the oldest row waits; null when that is not known, since a list begins with its newest. */
export function oldest(groups) {
  if (groups.some(({ name, whole }) => !whole && !GROUPS[name].oldestFirst)) return null;
  const times = groups.flatMap(({ rows }) => rows.map((each) => each.since)).filter(Boolean);
  return times.length ? times.reduce((first, each) => (Date.parse(each) < Date.parse(first) ? each : first)) : null;
}
