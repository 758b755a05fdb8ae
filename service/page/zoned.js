// Days and times of day in a time zone: the reader's own where none is given.

/** By how many milliseconds the zone's clock is ahead of UTC at a moment, in milliseconds since 1970. */
function ahead(moment, zone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(moment / 1000) * 1000;
}

/** The moment at which a zone's clock shows this time: `clock` is what `Date.UTC` makes of it. */
export function momentIn(clock, zone) {
  // The offset is that of the moment itself: clocks may change shortly before.
  const guess = clock - ahead(clock, zone);
  return clock - ahead(guess, zone);
}

/** The day of a moment in a zone: `2026-11-29`. */
export const dayIn = (moment, zone) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);

/** A day so many days later, or earlier. */
export const dayBehind = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** The moment at which a day begins in a zone. */
export const startOfDay = (day, zone) => momentIn(Date.parse(`${day}T00:00:00Z`), zone);
