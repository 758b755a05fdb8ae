// Times in the reader's zone and language, with UTC in the title and in <time datetime>. No date breaks over lines (page.css).
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";
import { preference } from "./preferences.js";

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
const MINUTE_MS = 60_000;

/** The formats of one language and zone. */
function makeFormats(locale, zone) {
  const { hour12 } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
  // "1:12 AM", but "01:12": on a clock of 24 hours the times of a column are equally wide.
  const time = { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit" };
  const day = { day: "numeric", month: "short" };
  const of = (options) => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  return {
    time: of(time),
    day: of(day),
    year: of({ ...day, year: "numeric" }),
    thisYear: of({ ...day, ...time }),
    dateAndTime: of({ ...day, year: "numeric", ...time }),
    exact: of({ ...day, year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" }),
    // "2026-11-29": to compare days, not to be read.
    key: new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
  };
}

/** Formats are dear to make: they are kept until language or zone change. */
let kept = { name: null, formats: null };

function formats() {
  const [locale, zone] = [preference("language"), preference("zone")];
  const name = `${locale} ${zone}`;
  if (kept.name !== name) kept = { name, formats: makeFormats(locale, zone) };
  return kept.formats;
}

/** `2026-11-23 14:05:09 UTC`. */
export const inUtc = (iso) => `${new Date(iso).toISOString().replace("T", " ").slice(0, 19)} UTC`;

/** The day of a moment in the reader's zone: `2026-11-29`. */
export const dayOf = (when) => formats().key.format(new Date(when));

const time = (iso, text) => html`<time datetime=${iso} title=${inUtc(iso)}>${text}</time>`;

/** As text: today "2:41 PM", this year "Nov 29, 2:41 PM", else "Nov 29, 2025". */
export function momentText(iso, now = Date.now()) {
  const [day, today] = [dayOf(iso), dayOf(now)];
  const { time: clock, thisYear, year } = formats();
  const format = day === today ? clock : day.slice(0, 4) === today.slice(0, 4) ? thisYear : year;
  return format.format(new Date(iso));
}

/** When something was, for rows. */
export const moment = (iso, now) => (iso ? time(iso, momentText(iso, now)) : nothing);

/** Date, year and time always: for the three lists of a customer's mail. */
export const dateAndTime = (iso) => (iso ? time(iso, formats().dateAndTime.format(new Date(iso))) : nothing);

/** "2:41 PM". */
export const clock = (iso) => (iso ? time(iso, formats().time.format(new Date(iso))) : nothing);

/** A day without a time as text: "Nov 29", of another year "Nov 29, 2025". */
export function dayText(iso, now = Date.now()) {
  const { day, year } = formats();
  return (dayOf(iso).slice(0, 4) === dayOf(now).slice(0, 4) ? day : year).format(new Date(iso));
}

/** How long something has waited: "40 min", "3 h", "2 days", with the date as its title. */
export function age(iso, now = Date.now()) {
  return iso ? html`<time datetime=${iso} title=${formats().exact.format(new Date(iso))}>${ageText(iso, now)}</time>` : nothing;
}

/** The same as text. */
export function ageText(iso, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - new Date(iso).getTime()) / MINUTE_MS));
  if (minutes < 60) return said.shell.ages.minutes(minutes);
  return minutes < 48 * 60 ? said.shell.ages.hours(Math.floor(minutes / 60)) : said.shell.ages.days(Math.floor(minutes / 1440));
}

/** The widths in pixels of the longest moment of a row, and of the longest with its year, in this CSS font. */
export function momentWidths(font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  const { thisYear, dateAndTime: whole } = formats();
  const days = Array.from({ length: 12 }, (_, month) => new Date(2028, month, 28, 22, 58));
  return [thisYear, whole].map((format) => Math.ceil(Math.max(...days.map((each) => context.measureText(format.format(each)).width))));
}

/** Columns of dates are as wide as the reader's language needs, in rem: the text may be enlarged. */
export function fitDates() {
  const { font } = getComputedStyle(document.body);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [when, whole] = momentWidths(font);
  const { style } = document.documentElement;
  style.setProperty("--when", `${when / rem}rem`);
  style.setProperty("--when-year", `${whole / rem}rem`);
}

/** Date and time to the second with its zone, and in UTC beside it: for the popover. */
export const exactMoment = (iso) =>
  iso ? html`${time(iso, formats().exact.format(new Date(iso)))}
        <span class="utc">${inUtc(iso)}</span>` : nothing;

/** "in 5 minutes", "2 days ago". */
export function distance(iso, now = Date.now()) {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return formats().relative.format(Math.trunc(seconds / size), unit);
}

/** 1234 -> "1.2 s". */
export const took = (ms) => (ms < 100 ? `${ms} ms` : `${new Intl.NumberFormat(preference("language"), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / 1000)} s`);

/** "America/New_York" -> "New York". */
export const zoneName = (zone = preference("zone")) => zone.split("/").pop().replaceAll("_", " ");
