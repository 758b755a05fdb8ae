// The gateway's figures, from its lanes and its history: the four numbers, what the plots draw, refusals by cause.
import { said } from "../language.js";
import { number } from "../numbers.js";

/** Of each span shown: seconds of one moment of the history, how many there are, and moments of one bar. */
export const SPANS = { hour: { width: 60, count: 60, bar: 5 }, day: { width: 900, count: 96, bar: 4 } };
/** Causes with bars of their own. */
const MOST_CAUSES = 5;
/** Ticks of an axis of ages: seconds, minutes, hours, days. */
const AGES = [0, 1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];
const LINES = [{ token: "--plot-1" }, { token: "--plot-2", dash: [7, 4] }, { token: "--plot-3", dash: [2, 3] }];

/** "4 s", "58 min", "3 h", "2 days". */
export function ageOf(seconds) {
  const { ages } = said.shell;
  if (seconds < 100) return said.gateway.seconds(number(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)));
  if (seconds < 100 * 60) return ages.minutes(Math.round(seconds / 60));
  return seconds < 48 * 3_600 ? ages.hours(Math.round(seconds / 3_600)) : ages.days(Math.round(seconds / 86_400));
}

/** The history with a place for every moment up to now, null where no worker ran: `[{ at, moment }]`, `at` in seconds. */
export function momentsOf(history, last, now) {
  const { width, count } = SPANS[last];
  const found = new Map((history ?? []).map((moment) => [Date.parse(moment.startedAt) / 1000, moment]));
  const newest = Math.max(Math.floor(now / 1000 / width) * width, ...found.keys());
  return Array.from({ length: count }, (_, place) => newest - (count - 1 - place) * width).map((at) => ({ at, moment: found.get(at) ?? null }));
}

/** What is over: the last moment is still under way. */
const whole = (moments) => moments.slice(0, -1);

/** The four numbers; `rate` is null where no worker ran in the last whole minute. */
export function fourNumbers({ lanes, recent, onWire }, now) {
  const moments = momentsOf(recent, "hour", now);
  const waiting = lanes.reduce((sum, { depth }) => sum + depth, 0);
  const oldest = Math.max(0, ...lanes.map(({ oldestSeconds }) => oldestSeconds));
  return {
    waiting, more: lanes.some(({ deeper }) => deeper), oldest: oldest > 0 ? oldest : null, onWire,
    rate: moments.at(-2).moment?.accepted ?? null,
    refused: moments.slice(-15).reduce((sum, { moment }) => sum + (moment?.refused ?? 0), 0),
  };
}

const column = (moments, value) => moments.map(({ moment }) => (moment ? value(moment) : null));
const timesOf = (moments) => moments.map(({ at }) => at);
const text = (value) => (value === null || value === undefined ? "–" : number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)));

/** Plot 2: answers a minute. */
export function ratePlot(history, last, now) {
  const moments = whole(momentsOf(history, last, now));
  const minutes = SPANS[last].width / 60;
  const names = ["accepted", "deferred", "refused"];
  const series = names.map((name, place) => ({ label: said.gateway.plots[name], ...LINES[place], values: column(moments, (moment) => moment[name] / minutes) }));
  return {
    id: "rate", name: said.gateway.plots.rate, unit: said.gateway.plots.perMinute, x: timesOf(moments), series,
    summary: series[0].values.some((value) => value !== null) ? said.gateway.plots.rateSummary(...series.map(({ values }) => text(values.at(-1)))) : said.gateway.plots.none,
  };
}

/** Plot 3: what waited in each lane; logarithmic when the lanes differ by more than ten times. */
export function waitingPlot(history, last, now) {
  const moments = momentsOf(history, last, now);
  const names = [...new Set(moments.flatMap(({ moment }) => moment?.lanes.map(({ name }) => name) ?? []))].sort();
  const series = names.map((name, place) => ({
    label: laneName(name), ...LINES[place % LINES.length],
    values: column(moments, ({ lanes }) => lanes.find((lane) => lane.name === name)?.depth ?? 0),
  }));
  const highest = series.map(({ values }) => Math.max(0, ...values)).filter((each) => each > 0);
  const now_ = series.filter(({ values }) => values.at(-1) > 0).map(({ label, values }) => `${label} ${text(values.at(-1))}`);
  return {
    id: "waiting", name: said.gateway.plots.waiting, unit: said.gateway.plots.messages, x: timesOf(moments), series,
    log: highest.length > 1 && Math.max(...highest) > 10 * Math.min(...highest),
    summary: now_.length ? said.gateway.plots.waitingSummary(now_.join(", ")) : said.gateway.plots.nothingWaits,
  };
}

export const laneName = (name, title = null) => title ?? said.gateway.lanes.names[name] ?? name;

/** Plot 4: for how long the oldest had been due, and within which time 95 of 100 messages were accepted, by the hour. */
export function agePlot(history, last, now, acceptance) {
  const moments = momentsOf(history, last, now);
  const oldest = column(moments, ({ lanes }) => Math.max(0, ...lanes.map(({ oldestSeconds }) => oldestSeconds)));
  const p95 = moments.map(({ at }) => acceptance?.get(Math.floor(at / 3_600) * 3_600) ?? null);
  const words = said.gateway.plots;
  const due = oldest.at(-1) > 0 ? words.due(ageOf(oldest.at(-1))) : words.nothingDue;
  return {
    id: "age", name: said.gateway.plots.age, unit: said.gateway.plots.seconds, x: timesOf(moments), log: true, format: ageOf, ticks: AGES,
    series: [{ label: said.gateway.plots.oldest, ...LINES[0], values: oldest }, { label: said.gateway.plots.p95, ...LINES[1], steps: true, values: p95 }],
    summary: `${due} ${p95.at(-1) === null ? words.p95Unknown : words.p95Within(ageOf(p95.at(-1)))}`,
  };
}

const answersOf = ({ accepted, deferred, refused }) => accepted + deferred + refused;

/** Moments in bars: of five minutes in an hour, of an hour in a day. */
function barsOf(moments, last) {
  const { width, bar } = SPANS[last];
  const bars = new Map();
  for (const { at, moment } of moments) {
    const start = Math.floor(at / (width * bar)) * width * bar;
    bars.set(start, [...(bars.get(start) ?? []), ...(moment ? [moment] : [])]);
  }
  return [...bars].map(([at, all]) => ({ at, moments: all }));
}

const refusedFor = (moments, cause) =>
  moments.reduce((sum, { causes }) => sum + (causes.find((each) => each.cause === cause)?.messages ?? 0), 0);

/** Refusals by cause, the most first: count, share of all answers in percent, and the count of each bar for its trend. */
export function refusalsOf(history, last, now) {
  const moments = momentsOf(history, last, now);
  const all = moments.flatMap(({ moment }) => (moment ? [moment] : []));
  const answers = all.reduce((sum, moment) => sum + answersOf(moment), 0);
  const causes = [...new Set(all.flatMap((moment) => moment.causes.map(({ cause }) => cause)))];
  const bars = barsOf(moments, last);
  const rows = causes.map((cause) => {
    const count = refusedFor(all, cause);
    return { cause, count, share: (100 * count) / answers, trend: bars.map((bar) => refusedFor(bar.moments, cause)) };
  });
  return { answers, refused: rows.reduce((sum, { count }) => sum + count, 0), rows: rows.sort((one, other) => other.count - one.count), since: moments[0].at };
}

/** Plot 5: refusals by cause as a share of answers; five causes, and the others together. */
export function refusalPlot(history, last, now, causeName) {
  const bars = barsOf(momentsOf(history, last, now), last);
  const { rows, answers, refused } = refusalsOf(history, last, now);
  const share = (bar, causes) => {
    const total = bar.moments.reduce((sum, moment) => sum + answersOf(moment), 0);
    return total ? (100 * causes.reduce((sum, cause) => sum + refusedFor(bar.moments, cause), 0)) / total : null;
  };
  const groups = rows.slice(0, MOST_CAUSES).map(({ cause }) => ({ label: causeName(cause), causes: [cause] }));
  if (rows.length > MOST_CAUSES) groups.push({ label: said.gateway.refusals.other, causes: rows.slice(MOST_CAUSES).map(({ cause }) => cause) });
  return {
    id: "causes", name: said.gateway.plots.causes, unit: said.gateway.plots.share, isShare: true, stacked: true, x: bars.map(({ at }) => at),
    series: groups.map(({ label, causes }, place) => ({ label, token: LINES[place % LINES.length].token, values: bars.map((bar) => share(bar, causes)) })),
    summary: refused ? said.gateway.plots.causesSummary(text(refused), text(answers), groups[0].label) : said.gateway.plots.causesNone(text(answers)),
  };
}

/** Plot 6: what a relay answered a minute, and its limit. */
export function relayPlot(relay, id, history, last, now) {
  const moments = whole(momentsOf(history, last, now));
  const minutes = SPANS[last].width / 60;
  const rate = column(moments, ({ relays }) => answersOf(relays.find(({ name }) => name === relay.name) ?? { accepted: 0, deferred: 0, refused: 0 }) / minutes);
  const limit = relay.perMinute === null ? [] : [{ label: said.gateway.plots.limitOf, ...LINES[1], values: moments.map(() => relay.perMinute) }];
  return {
    id: `${id}-rate`, name: said.gateway.plots.relay(relay.name), unit: said.gateway.plots.perMinute, x: timesOf(moments),
    series: [{ label: said.gateway.plots.rateOf, ...LINES[0], values: rate }, ...limit],
    summary: rate.at(-1) === null ? said.gateway.plots.none : said.gateway.plots.relaySummary(text(rate.at(-1)), relay.perMinute === null ? null : text(relay.perMinute)),
  };
}
