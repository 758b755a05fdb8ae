// Which recipients an address shows: its query, and the filter of the API that it stands for.
import { LAUNCHED, RETRIED } from "./outcomes.js";

const LEFT_OUT = ["OPTED_OUT", "SUPPRESSED", "NO_ADDRESS", "DUPLICATE_ADDRESS", "ERASED", "MERGE_FIELD_MISSING"];
/** Characters of a search that the API takes. */
const MAX_SEARCH = 320;
const FLAG = { "": true, yes: true, no: false };

/** The names in a value, comma-separated in lower case, of those that are known; null for none. */
function listed(text, known) {
  const names = (text ?? "").split(",").map((name) => name.trim().toUpperCase().replaceAll("-", "_")).filter((name) => known.includes(name));
  return names.length ? names : null;
}

/** The value of a list for the address. */
export const written = (names) => names.map((name) => name.toLowerCase()).join(",");

/** `status` of the address: states, or `launched` for all of them. */
export const statusOf = (statuses) => (statuses.length === LAUNCHED.length ? "launched" : written(statuses));

/**
 * Reads the query of `/campaigns/ID/recipients`: `{ statuses, causes, leftOut, opened, clicked, mailing, search }`, null for
 * what does not filter. `known` are the causes there are. What is not known is left out.
 */
export function readFilter(query, known) {
  return {
    statuses: query.status === "launched" ? [...LAUNCHED] : listed(query.status, LAUNCHED),
    causes: listed(query.cause, known),
    leftOut: query.leftOut === "all" ? [...LEFT_OUT] : listed(query.leftOut, LEFT_OUT),
    opened: FLAG[query.opened] ?? null,
    clicked: FLAG[query.clicked] ?? null,
    mailing: /^[1-9]\d{0,3}$/.test(query.mailing ?? "") ? Number(query.mailing) : null,
    search: (query.search ?? "").trim().slice(0, MAX_SEARCH),
  };
}

/** The API's filter. `mailings` are the campaign's; a number that none has filters nothing. */
export function apiFilter({ statuses, causes, leftOut, opened, clicked, mailing }, mailings) {
  const of = mailings.find(({ number }) => number === mailing);
  return { statuses, causes, leftOut, opened, clicked, mailingIds: of ? [of.id] : null };
}

/** Whether exactly these can be tried again: only failures, found by state, cause and mailing alone. */
export const isRetryable = ({ statuses, leftOut, opened, clicked, search }) =>
  Boolean(statuses?.every((status) => RETRIED.includes(status))) && !leftOut && opened === null && clicked === null && !search;

/** Whether these are all that is uncertain, of the campaign or a mailing. */
export const isUncertain = ({ statuses, causes, leftOut, opened, clicked, search }) =>
  statuses?.join() === "UNCERTAIN" && !causes && !leftOut && opened === null && clicked === null && !search;
