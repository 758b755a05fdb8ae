// An import's columns and its refused lines, as the page shows them.

/** What a column may become, apart from values of the customer's own. */
export const FIELDS = ["address", "externalRef", "name", "firstName", "lastName", "locale", "timeZone", "tags"];
const OWN = "attributes.";
/** The name of a customer's own value, as the API has it. */
const OWN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** Lines that are named with a kind of fault; the rest is counted. */
const LINES_NAMED = 3;

/** A heading as the name of a value of the customer's own, `attributes.kd_nr`; null where it makes none. */
export function ownField(heading) {
  const name = heading.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 63);
  return OWN_NAME.test(name) ? `${OWN}${name}` : null;
}

/** The choices of one column: null leaves it out; a value of one's own is a text, a number, or true or false. */
export function choicesOf({ heading, field }) {
  const own = field?.startsWith(OWN) ? field.split(":")[0] : ownField(heading);
  return [null, ...FIELDS, ...(own ? [own, `${own}:number`, `${own}:boolean`] : [])];
}

/** The fields that more than one column has. */
export function doubled(columns) {
  const seen = new Set();
  const twice = new Set();
  for (const { field } of columns) {
    if (!field) continue;
    const own = field.split(":")[0];
    (seen.has(own) ? twice : seen).add(own);
  }
  return twice;
}

/** Why these columns cannot be imported, by a name of `said.lists.import.mapping`; null when they can. */
export function mappingFault(columns) {
  if (doubled(columns).size) return "doubled";
  return columns.some(({ field }) => field === "address" || field === "externalRef") ? null : "nobody";
}

/** Faults by what is wrong, the most frequent first: `{ code, heading, message, faults, lines, more }`. */
export function groupFaults(faults) {
  const groups = new Map();
  for (const fault of faults) {
    const key = `${fault.code} ${fault.heading ?? ""}`;
    if (!groups.has(key)) groups.set(key, { key, code: fault.code, heading: fault.heading, message: fault.message, faults: [] });
    groups.get(key).faults.push(fault);
  }
  return [...groups.values()]
    .map((group) => {
      const lines = [...new Set(group.faults.map(({ line }) => line))];
      return { ...group, lines: lines.slice(0, LINES_NAMED), count: lines.length, more: Math.max(lines.length - LINES_NAMED, 0) };
    })
    .sort((one, other) => other.count - one.count);
}

/** How many lines would be, or were, imported: those that were not refused. */
export const importable = ({ created, updated, unchanged }) => created + updated + unchanged;

/** `service-2026.csv` -> `service-2026`. */
export const nameOf = (fileName) => fileName.replace(/\.(csv|tsv|txt)$/i, "").trim().slice(0, 255) || fileName;

/** Lines a second between two looks at an import, `{ read, at }` each with `at` in milliseconds; 0 when not known. */
export function paceOf(before, now) {
  const seconds = (now.at - before.at) / 1000;
  return seconds > 0 ? Math.max(Math.round((now.read - before.read) / seconds), 0) : 0;
}
