// What a plot draws, as numbers: its rows, the axis of values, and where names stand.

/** Between two names at the ends of lines, from base to base. */
const NAME_HEIGHT = 15;
/** Steps between two ticks, times a power of ten; of small numbers a quarter would need digits. */
const NICE = [1, 2, 5, 10];
const NICE_FROM_10 = [1, 2, 2.5, 5, 10];

/** What uPlot draws: of stacked bars the sums from the ground up, the highest first, so that each covers what is below it. */
export function rowsOf({ x, series, stacked }) {
  if (!stacked) return [x, ...series.flatMap(({ values, lower, upper }) => (lower ? [values, upper, lower] : [values]))];
  const sums = series.map((_, place) => x.map((_, at) => sumTo(series, place, at)));
  return [x, ...sums.reverse()];
}

function sumTo(series, place, at) {
  const values = series.slice(0, place + 1).map(({ values: all }) => all[at]);
  return values.every((each) => each === null) ? null : values.reduce((sum, each) => sum + (each ?? 0), 0);
}

/** The upper end of the axis: a little above the highest value. */
export function topOf(max, { log, unit, isShare, ticks }) {
  if (ticks) return ticks.find((tick) => tick > 0 && tick >= max) ?? max;
  if (!max || max <= 0) return 1;
  if (log) return 10 ** Math.ceil(Math.log10(Math.max(max, 1)) + 0.01);
  const top = Math.ceil((max * 1.02) / niceStep(max)) * niceStep(max);
  return isShare || unit === "%" ? Math.min(100, top) : top;
}

/** A step of 1, 2 or 5 times a power of ten, of which two to four fit. */
function niceStep(max) {
  const size = 10 ** Math.floor(Math.log10(max / 4));
  return (size < 10 ? NICE : NICE_FROM_10).find((each) => each * size >= max / 4) * size;
}

/** The ticks of an axis from 0 to its upper end. */
export function splitsOf(max, { log, ticks }) {
  if (ticks) return ticks.filter((tick) => tick <= max);
  return log ? logSplits(max) : linearSplits(max);
}

const linearSplits = (max) => {
  const step = niceStep(max);
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, place) => place * step);
};

/** 0, 1, 10, 100 and so on. */
const logSplits = (max) => [0, ...Array.from({ length: Math.round(Math.log10(max)) + 1 }, (_, place) => 10 ** place)];

/** Where each name stands, from the top: at its value, at least a line below the one above it, all within the plot. */
export function namePlaces(ends, topAt, height) {
  const placed = ends.map((value, place) => ({ place, top: value === undefined ? null : topAt(value) }))
    .filter(({ top }) => top !== null).sort((one, other) => one.top - other.top);
  placed.forEach((each, at) => { if (at) each.top = Math.max(each.top, placed[at - 1].top + NAME_HEIGHT); });
  const over = placed.length ? placed.at(-1).top - height : 0;
  for (let at = placed.length - 1, limit = height; over > 0 && at >= 0; at -= 1, limit -= NAME_HEIGHT) placed[at].top = Math.min(placed[at].top, limit);
  return placed;
}
