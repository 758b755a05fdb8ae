// When a pause ends: the four choices a person has.
import { dayBehind, dayIn, momentIn } from "../zoned.js";

const MINUTE = 60_000;
/** When people come: what was paused in the evening goes on then. */
const MORNING = "06:00:00";

/** The next morning's 6 o'clock of a zone behind a moment in milliseconds; the browser's zone when undefined. */
export function nextMorning(now, zone) {
  const today = dayIn(now, zone);
  const mornings = [0, 1, 2].map((days) => momentIn(Date.parse(`${dayBehind(today, days)}T${MORNING}Z`), zone));
  return new Date(mornings.find((morning) => morning > now));
}

/** `[{ name, until }]`: `until` is a Date, or null for a pause that a person ends. */
export const pauseEnds = (now, zone) => [
  { name: "open", until: null },
  { name: "quarter", until: new Date(now + 15 * MINUTE) },
  { name: "hour", until: new Date(now + 60 * MINUTE) },
  { name: "morning", until: nextMorning(now, zone) },
];
