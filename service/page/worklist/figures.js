// Today in four numbers, each with its course over the last day and a link to just the messages that it counts.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { readAddress } from "../address.js";
import { said } from "../language.js";
import { ageText, dayOf } from "../moments.js";
import { count, number } from "../numbers.js";
import { preference } from "../preferences.js";
import { sparkline } from "../sparkline.js";
import { dayIn, startOfDay as startOfDayIn } from "../zoned.js";

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** From how long on the oldest waiting message is worth a word, in seconds. */
const LATE = 60;

/** The moment at which the day of `now` began in a zone: of a day with a change of the clocks, too. */
export const startOfDay = (now, zone = preference("zone")) => startOfDayIn(dayIn(now, zone), zone);

/** The spans of the query: statistics are kept by the hour. */
export function spansOf(now) {
  const today = startOfDay(now);
  const yesterday = startOfDay(today - 12 * HOUR_MS);
  const iso = (when) => new Date(when).toISOString();
  return { since: iso(Math.min(yesterday, now - HOURS * HOUR_MS)), now: iso(now), today, yesterday, then: yesterday + (now - today) };
}

const sum = (rows, fields) => rows.reduce((all, row) => all + fields.reduce((part, field) => part + row[field], 0), 0);

/** `{ value, before, course }` of these fields: today, yesterday by this hour, and the last 24 hours. */
export function figure(rows, fields, { now, today, yesterday, then }) {
  const at = (row) => Date.parse(row.startsAt);
  const hour = Date.parse(now) - (Date.parse(now) % HOUR_MS);
  const course = Array.from({ length: HOURS }, (_, index) => {
    const start = hour - (HOURS - 1 - index) * HOUR_MS;
    return sum(rows.filter((row) => at(row) >= start && at(row) < start + HOUR_MS), fields);
  });
  return {
    value: sum(rows.filter((row) => at(row) + HOUR_MS > today), fields),
    before: sum(rows.filter((row) => at(row) + HOUR_MS > yesterday && at(row) < then), fields),
    course,
  };
}

/** What waits now, and what waited at the end of each hour of the last day; hours without a worker have what was before. */
export function waiting({ lanes, history }, now) {
  const depth = (each) => each.lanes.reduce((all, lane) => all + lane.depth, 0);
  const course = Array.from({ length: HOURS }, (_, index) => {
    const end = now - (HOURS - 1 - index) * HOUR_MS;
    const last = history.findLast(({ startedAt }) => Date.parse(startedAt) <= end);
    return last ? depth(last) : 0;
  });
  const value = lanes.reduce((all, lane) => all + lane.depth, 0);
  return {
    count: { value, precision: lanes.some((lane) => lane.deeper) ? "AT_LEAST" : "EXACT" },
    oldest: Math.max(0, ...lanes.map((lane) => lane.oldestSeconds)),
    course: [...course.slice(0, -1), value],
  };
}

function shown({ name, to, value, then = nothing, title = "", course, tone = "" }, app) {
  const there = readAddress(new URL(to, location.href));
  return html`<a class="wl-figure" href=${to} @click=${app.to(there)}><span class="wl-what">${said.worklist.figures[name]}</span>
    <span class="wl-value">${value ?? "–"}</span>${course ? sparkline(course, { tone }) : html`<span></span>`}
    <span class="wl-then" title=${title}>${then}</span></a>`;
}

/** The four numbers; before they are read they keep their place. `stopped` is the name of a stopped relay, or null. */
export function figures(numbers, { stopped, app }) {
  const { figures: text } = said.worklist;
  const today = dayOf(Date.now());
  const counted = (name, fields, to, tone) => {
    if (!numbers?.hours) return { name, to };
    const { value, before, course } = figure(numbers.hours, fields, numbers.spans);
    return { name, to, value: number(value), then: text.yesterday(number(before)), title: text.byNow, course, tone };
  };
  const now = numbers?.gateway ? waiting(numbers.gateway, Date.parse(numbers.spans.now)) : null;
  const late = () => (now.oldest >= LATE ? text.oldest(ageText(new Date(Date.now() - now.oldest * 1_000).toISOString())) : text.noneLate);
  return html`<section class="wl-figures" aria-label=${text.label}>${[
    counted("accepted", ["accepted"], `/messages?status=accepted&from=${today}`),
    counted("refused", ["refused", "bounced"], `/messages?status=refused,bounced&from=${today}`, "red"),
    { name: "waiting", to: "/messages?status=queued,deferred,handed-off", ...(now && { value: count(now.count), course: now.course, then: stopped ? text.stopped(stopped) : late() }) },
    counted("opened", ["opened"], `/messages?opened=yes&from=${today}`),
  ].map((each) => shown(each, app))}</section>`;
}
