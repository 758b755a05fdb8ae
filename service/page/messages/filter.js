// Which messages are listed: the query of the address as the API's filter, and a filter of the API as an address.

/** Lists of the address whose values are the API's enum values in small letters. */
const ENUMS = { status: "statuses", cause: "causes", source: "sourceTypes" };
/** Lists whose values stand as they are. */
const TEXTS = {
  campaign: "campaignIds", mailing: "mailingIds", sender: "senderIds", relay: "relays", domain: "domains", address: "addresses",
  customer: "customerIds", id: "ids",
};
/** Yes or no. */
const FLAGS = { opened: "opened", clicked: "clicked", tracked: "tracked", attention: "needsAttention" };

/** The names of the address that filter; `search`, `order`, `at` and `info` are none of them. */
export const FILTERS = [...Object.keys(ENUMS), ...Object.keys(TEXTS), ...Object.keys(FLAGS), "direction", "from", "to"];
/** Characters of a search at most, as the API takes them. */
export const MAX_SEARCH = 400;
/** Characters of an address beyond which servers may refuse it: a filter that would be longer has no address. */
const LONGEST_ADDRESS = 6_000;
const DAY_MS = 86_400_000;

const listOf = (text) => text.split(",").map((each) => each.trim()).filter(Boolean);

/** The values of a name in the address: a list, empty when it filters nothing. */
export const valuesOf = (query, name) => (query[name] === undefined ? [] : listOf(query[name]));

/** Whether the address filters or searches at all. */
export const isFiltered = (query) => FILTERS.some((name) => query[name] !== undefined) || Boolean(query.search?.trim());

/**
 * The variables of `messages` for this query: `{ filter, search, orderBy }`. Spans are counted from `now`, days in the
 * reader's `zone`: read it once a list, since a cursor belongs to one filter.
 */
export function readFilter(query, { now = Date.now(), zone }) {
  const filter = {};
  for (const [name, field] of Object.entries(ENUMS)) if (query[name] !== undefined) filter[field] = listOf(query[name]).map((each) => each.toUpperCase().replaceAll("-", "_"));
  for (const [name, field] of Object.entries(TEXTS)) if (query[name] !== undefined) filter[field] = listOf(query[name]);
  for (const [name, field] of Object.entries(FLAGS)) if (query[name] !== undefined) filter[field] = query[name] !== "no";
  if (query.direction) filter.direction = query.direction.toUpperCase();
  const span = readSpan(query, now, zone);
  if (span) filter.occurredAt = span;
  return { filter, search: query.search?.trim().slice(0, MAX_SEARCH) || null, orderBy: query.order === "oldest" ? "OLDEST" : "NEWEST" };
}

/** `from` and `to` are days, both included, or moments; `from` may be `7d`: today and the six days before. */
function readSpan({ from, to }, now, zone) {
  const span = {};
  const days = /^(\d{1,4})d$/.exec(from ?? "");
  if (days) span.since = startOfDay(dayIn(zone, now - (Number(days[1]) - 1) * DAY_MS), zone);
  else if (from) span.since = isDay(from) ? startOfDay(from, zone) : from;
  if (to) span.until = isDay(to) ? startOfDay(nextDay(to), zone) : to;
  return Object.keys(span).length ? span : null;
}

const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

/** The day of a moment in a zone: `2026-11-29`. */
export const dayIn = (zone, when) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(when));

const nextDay = (day) => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);

/** The moment at which a day starts in a zone, in UTC. */
function startOfDay(day, zone) {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  // Twice, since the offset of the first guess may be that of the other side of a change of clocks.
  const guess = wanted - offsetAt(wanted, zone);
  return new Date(wanted - offsetAt(guess, zone)).toISOString();
}

function offsetAt(moment, zone) {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const parts = Object.fromEntries(format.formatToParts(new Date(moment)).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(moment / 1_000) * 1_000;
}

/**
 * The place that lists what a `MessageFilter` of the API finds, as other views link to it; null when it is too long for an
 * address, as with hundreds of ids.
 */
export function messagesPlace(filter = {}, { search = null, order = null } = {}) {
  const query = {};
  for (const [name, field] of Object.entries(ENUMS)) if (filter[field]) query[name] = filter[field].map((each) => each.toLowerCase()).join(",");
  for (const [name, field] of Object.entries(TEXTS)) if (filter[field]) query[name] = filter[field].join(",");
  for (const [name, field] of Object.entries(FLAGS)) if (typeof filter[field] === "boolean") query[name] = filter[field] ? "yes" : "no";
  if (filter.direction) query.direction = filter.direction.toLowerCase();
  if (filter.occurredAt?.since) query.from = filter.occurredAt.since;
  if (filter.occurredAt?.until) query.to = filter.occurredAt.until;
  if (search) query.search = search;
  if (order) query.order = order;
  if (Object.values(query).join("").length > LONGEST_ADDRESS) return null;
  return { view: "messages", path: [], query };
}
