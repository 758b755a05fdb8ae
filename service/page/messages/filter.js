// Which messages are listed: the query of the address as the API's filter.
import { dayBehind, dayIn, isDay, startOfDay } from "../zoned.js";

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
  if (days) span.since = beginning(dayBehind(dayIn(now, zone), 1 - Number(days[1])), zone);
  else if (from) span.since = isDay(from) ? beginning(from, zone) : from;
  if (to) span.until = isDay(to) ? beginning(dayBehind(to, 1), zone) : to;
  return Object.keys(span).length ? span : null;
}

const beginning = (day, zone) => new Date(startOfDay(day, zone)).toISOString();

