// Figures over days: which are asked for, their groups, and what the plot draws.
import { said } from "../language.js";
import { number } from "../numbers.js";
import { words } from "../words.js";
import { dayBehind, dayIn, isDay, startOfDay } from "../zoned.js";

/** What figures are told apart by, as the address and as the API names it. */
export const GROUPS = { day: "DAY", cause: "CAUSE", domain: "DOMAIN", source: "SOURCE_TYPE", relay: "RELAY", campaign: "CAMPAIGN", sender: "SENDER" };
/** Of these no opens are kept apart from those of mail that is not tracked. */
const NOT_READ = ["cause", "domain", "source"];
/** Days that are shown when nothing else is asked for. */
const USUAL_DAYS = 30;
/** Of a standard normal distribution: 95 of 100 lie within. */
const Z = 1.96;
const COUNTS = ["sent", "accepted", "deferred", "refused", "bounced", "complained", "opened", "clicked", "received"];

/** What an address asks for: `{ from, to, by, show }`, days in the reader's zone, both included. */
export function askedOf(query, now, zone) {
  const to = isDay(query.to) ? query.to : dayIn(now, zone);
  const by = Object.hasOwn(GROUPS, query.by ?? "") ? query.by : "day";
  return { from: isDay(query.from) ? query.from : dayBehind(to, 1 - USUAL_DAYS), to, by, show: query.show === "reading" && canRead(by) ? "reading" : "outcomes" };
}

/** Whether opens and clicks can be told by this group: those of campaign mail, which alone is tracked. */
export const canRead = (by) => !NOT_READ.includes(by);

/** The variables of the API for it. Opens and clicks are of campaign mail; by campaign there is no other. */
export function variablesOf({ from, to, by, show }, zone) {
  return {
    since: new Date(startOfDay(from, zone)).toISOString(), until: new Date(startOfDay(dayBehind(to, 1), zone)).toISOString(), by: [GROUPS[by]],
    filter: show === "reading" && by !== "campaign" ? { sourceTypes: ["CAMPAIGN"] } : null, zone: by === "domain" ? "UTC" : zone,
  };
}

/** A row's group: `{ name, query }`, the filter of the address that lists its messages, null where no filter can. */
export function groupOf(row, { from, to, by }, zone) {
  const span = { from, to };
  const named = (name, key, value) => ({ name: name ?? said.statistics.unknown[by], query: value === null || value === undefined ? null : { ...span, [key]: value } });
  switch (by) {
    case "day": return { name: null, at: Date.parse(row.startsAt) / 1000, query: { from: dayIn(Date.parse(row.startsAt), zone), to: dayIn(Date.parse(row.startsAt), zone) } };
    case "cause": return named(row.cause && words.sentence(words.cause(row.cause)).slice(0, -1), "cause", row.cause?.toLowerCase());
    case "source": return named(row.sourceType && words.source(row.sourceType), "source", row.sourceType?.toLowerCase());
    case "campaign": return named(row.campaign?.title, "campaign", row.campaign?.id);
    case "sender": return named(row.sender?.name, "sender", row.sender?.id);
    default: return named(row[by], by, row[by]);
  }
}

/** The sums of all rows; times to acceptance have none. */
export const totalOf = (rows) => Object.fromEntries(COUNTS.map((count) => [count, rows.reduce((sum, row) => sum + row[count], 0)]));

/** A share in percent with the bounds within which the true one lies in 95 of 100 cases (Wilson); nulls of nothing. */
export function shareOf(part, whole) {
  if (!whole) return { share: null, lower: null, upper: null };
  const share = Math.min(1, part / whole);
  const middle = (share + (Z * Z) / (2 * whole)) / (1 + (Z * Z) / whole);
  const half = (Z / (1 + (Z * Z) / whole)) * Math.sqrt((share * (1 - share)) / whole + (Z * Z) / (4 * whole * whole));
  return { share: 100 * share, lower: 100 * Math.max(0, middle - half), upper: 100 * Math.min(1, middle + half) };
}

/** Every day of the span with its row, null for a day without mail. */
function daysOf(rows, { from, to }, zone) {
  const found = new Map(rows.map((row) => [dayIn(Date.parse(row.startsAt), zone), row]));
  const days = [];
  for (let day = from; day <= to; day = dayBehind(day, 1)) days.push({ at: startOfDay(day, zone) / 1000, row: found.get(day) ?? null });
  return days;
}

/** Plot 7: outcomes as messages a day, or opens and clicks as shares with their bands. */
export function dayPlot(rows, asked, zone) {
  const text = said.statistics;
  const days = daysOf(rows, asked, zone);
  const total = totalOf(rows);
  const lines = [["--plot-1"], ["--plot-2", [7, 4]], ["--plot-3", [2, 3]]];
  const line = (name, place, more) => ({ label: text.columns[name], token: lines[place][0], dash: lines[place][1], ...more });
  const basis = { id: "days", name: text.plot[asked.show], x: days.map(({ at }) => at), level: 2 };
  if (asked.show === "outcomes") {
    const series = ["accepted", "refused", "bounced"].map((name, place) => line(name, place, { values: days.map(({ row }) => row?.[name] ?? 0) }));
    return { ...basis, unit: text.unit, series, summary: text.outcomesSummary(...["sent", "accepted", "refused", "bounced"].map((name) => number(total[name]))) };
  }
  const series = ["opened", "clicked"].map((name, place) => {
    const shares = days.map(({ row }) => shareOf(row?.[name] ?? 0, row?.accepted ?? 0));
    return line(name, place, { values: shares.map(({ share }) => share), lower: shares.map(({ lower }) => lower), upper: shares.map(({ upper }) => upper) });
  });
  return { ...basis, unit: text.ofAccepted, isShare: true, series, summary: text.readingSummary(number(total.opened), number(total.clicked), number(total.accepted)) };
}
