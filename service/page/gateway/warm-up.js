// A warm-up day by day: what a relay or domain may get, until its limit a day is reached.
import { said } from "../language.js";
import { number as digits } from "../numbers.js";

const DAY = 86_400;
/** Days shown at most, and at least, from its first on. */
const MOST_DAYS = 60;
const LEAST_DAYS = 7;

/** A warm-up's limit on the day with this number, 0 for the first; no more than the limit a day, if there is one. */
export const limitOn = (day, { warmUpStart, warmUpFactor, perDay }) => Math.floor(Math.min(perDay ?? Infinity, warmUpStart * (warmUpFactor ?? 2) ** day));

/** Days until the limit a day is reached; null without one, or when it grows too slowly. */
function daysToLimit(given) {
  if (given.perDay === null) return null;
  for (let day = 0; day < 10 * MOST_DAYS; day += 1) if (limitOn(day, given) >= given.perDay) return day;
  return null;
}

/** The plot of a warm-up under way, as steps of a day with today marked; null where there is none. */
export function warmUpPlot(given, id, name, now, dayText) {
  if (given.warmUpStart === null || !given.warmUpSince) return null;
  const start = Date.parse(given.warmUpSince) / 1000;
  const today = Math.floor((now / 1000 - start) / DAY);
  const reached = daysToLimit(given);
  const count = Math.min(MOST_DAYS, Math.max(LEAST_DAYS, today + 4, (reached ?? 0) + 3));
  const days = Array.from({ length: count }, (_, day) => day);
  const allowed = { label: said.gateway.plots.allowed, token: "--plot-1", steps: true, values: days.map((day) => limitOn(day, given)) };
  const limit = given.perDay === null ? [] : [{ label: said.gateway.plots.limitOf, token: "--plot-2", dash: [7, 4], values: days.map(() => given.perDay) }];
  const number = digits(limitOn(today, given));
  return {
    id: `${id}-warm-up`, name: said.gateway.plots.warmUp(name), unit: said.gateway.plots.perDay, x: days.map((day) => start + day * DAY), zone: "UTC",
    series: [allowed, ...limit], marks: [{ at: now / 1000, label: said.gateway.plots.today }],
    summary: reached === null ? said.gateway.plots.warmUpOpen(number) : said.gateway.plots.warmUpSummary(number, dayText(start + reached * DAY)),
  };
}
