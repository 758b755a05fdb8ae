// Times in the browser's zone, with UTC in the title and in <time datetime>.
import { html, nothing } from "./vendor/lit-html/lit-html.js";

// "1:12 AM", but "01:12": on a clock of 24 hours the times of a column are equally wide.
const { hour12 } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
const stamp = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: hour12 ? "numeric" : "2-digit", minute: "2-digit",
});
const exact = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** `2026-11-23 14:05:09 UTC`. */
export const inUtc = (iso) => `${new Date(iso).toISOString().replace("T", " ").slice(0, 19)} UTC`;

/** Date and time, for rows. */
export const moment = (iso) =>
  iso ? html`<time datetime=${iso} title=${inUtc(iso)}>${stamp.format(new Date(iso))}</time>` : nothing;

/** The width in pixels of the longest date and time of a row in this CSS font. */
export function momentWidth(font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  const widths = Array.from({ length: 12 }, (_, month) => context.measureText(stamp.format(new Date(2028, month, 28, 22, 58))).width);
  return Math.ceil(Math.max(...widths));
}

/** Date and time to the second with its zone, and in UTC beside it: for the popover. */
export const exactMoment = (iso) =>
  iso
    ? html`<time datetime=${iso} title=${inUtc(iso)}>${exact.format(new Date(iso))}</time>
        <span class="utc">${inUtc(iso)}</span>`
    : nothing;

/** "in 5 minutes", "2 days ago". */
export function distance(iso, now = Date.now()) {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** 1234 -> "1.2 s". */
export const took = (ms) => (ms < 100 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
