// Where the rows of one whole group come from, a page at a time, and what can be done with many of them.
import { said } from "../language.js";
import { messageAction, setMailAside } from "./decisions.js";
import { groupsOf, ROW } from "./groups.js";
import { MOST_IDS, MOST_MAILS, readFound, readIncidents, readList, readWorklist } from "./queries.js";

/** Individual mail: what is held of a campaign stands under it. */
const INDIVIDUAL = ["WORK_ORDER", "E_SIGNATURE", "CARD_PROCESSING"];

/** The list of `needsAttention` and the kind of row of each group that has pages. */
const PAGED = {
  uncertain: ["uncertain", "message"],
  held: ["held", "message"],
  unsent: ["failed", "message"],
  "bad-addresses": ["badAddresses", "address"],
  unmatched: ["unmatchedMail", "mail"],
  campaigns: ["campaigns", "campaign"],
};

const asRows = (list, kind) => ({ ...list, edges: list.edges.map(({ cursor, node }) => ({ cursor, node: ROW[kind](node) })) });

/** A group that comes whole. */
async function whole(name, options) {
  const read = await readWorklist(options);
  const found = groupsOf(read).find((group) => group.name === name);
  if (found?.fault) throw new Error(found.fault);
  const rows = found?.rows ?? [];
  return { edges: rows.map((row) => ({ cursor: row.key, node: row })), pageInfo: { hasNextPage: false, endCursor: null }, totalCount: { value: rows.length, precision: "EXACT" } };
}

/** The filter of an incident by its first message; null when it is none any more. */
async function filterOf(incident, options) {
  const found = (await readIncidents(options)).find(({ filter }) => filter.ids[0] === incident);
  return found?.filter ?? null;
}

const NOTHING = { edges: [], pageInfo: { hasNextPage: false, endCursor: null }, totalCount: { value: 0, precision: "EXACT" } };

/** Reads one page of a group: `{ edges: [{ cursor, node: row }], pageInfo, totalCount }`; of one incident when it is named. */
export async function readGroup({ show, incident }, page, options) {
  if (show === "uncertain" && incident) {
    const filter = await filterOf(incident, options);
    return filter ? asRows(await readFound(filter, page, options), "message") : NOTHING;
  }
  const [list, kind] = PAGED[show] ?? [];
  return list ? asRows(await readList(list, page, options), kind) : whole(show, options);
}

/** The bulk actions of each group whose rows can be chosen, by the message's action that a row must allow. */
const BULK = {
  uncertain: [["ASSUME_SENT", "assumeSent", "ASSUME_SENT"], ["RETRY", "retry", "RETRY"]],
  held: [["RETRY", "release", "RELEASE"], ["CANCEL", "cancel", "CANCEL"], ["DISMISS", "leave", "DISMISS"]],
  unsent: [["RETRY", "retry", "RETRY"], ["RETRY_TO_PRESENT_ADDRESS", "toPresent", "RETRY_TO_PRESENT_ADDRESS"], ["DISMISS", "leave", "DISMISS"]],
};

/** Whether rows of a group can be chosen. */
export const isChoosable = (show) => Object.hasOwn(BULK, show) || show === "unmatched";

/** How many a choice may name. */
export const mostChosen = (show) => (show === "unmatched" ? MOST_MAILS : MOST_IDS);

/** The filter of all messages of a group, also those that are not loaded; null where no filter finds just them. */
const ALL = {
  uncertain: { statuses: ["UNCERTAIN"] },
  held: { statuses: ["HELD"], sourceTypes: INDIVIDUAL, needsAttention: true },
};

/** Whether all of a group can be chosen, beyond what is loaded. */
export const hasAll = ({ show, incident }) => Object.hasOwn(ALL, show) && !incident;

/** The ids and states of chosen rows, as a filter. */
function filterOfRows(rows) {
  return { ids: rows.map(({ key }) => key), statuses: [...new Set(rows.map(({ value }) => value.info.status))] };
}

/**
 * The buttons for chosen rows: `{ name, ask }` or `{ name, run }`; those that none of the rows allows are absent. `all`:
 * everything is chosen, `count` of them, also what is not loaded.
 */
export function bulkActions(show, { rows, all = false, count }) {
  const { actions } = said.worklist;
  if (show === "unmatched") return [{ name: actions.setAside, run: setMailAside(rows.map(({ key }) => key)) }];
  const filter = all ? ALL[show] : filterOfRows(rows);
  const ids = all ? null : async () => filter.ids;
  return (BULK[show] ?? [])
    .filter(([action]) => all || rows.some(({ value }) => value.actions.includes(action)))
    .map(([, label, name]) => ({ name: actions[label], ask: () => messageAction(name, { filter, ids, guess: count }) }));
}
