// The times of a plot's axis, cursor and table, in the zone and language that the reader chose.
import { preference } from "./preferences.js";

const DAY = 86_400;

/** How to write times: at the axis, with the step between two ticks in seconds; and whole, for the cursor and the table. */
export function plotTimes(x, { zone = preference("zone"), locale = preference("language") } = {}) {
  const span = x.length ? x[x.length - 1] - x[0] : 0;
  const days = x.length > 1 && x.every((each, place) => !place || each - x[place - 1] >= DAY - 7_200);
  // "1:12 AM", but "01:12", as everywhere on the page.
  const { hour12 } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
  const time = { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit" };
  const written = (options) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    return (seconds) => format.format(new Date(seconds * 1000));
  };
  const day = written({ day: "numeric", month: "short" });
  const clock = written(time);
  const whole = days ? written({ day: "numeric", month: "short", year: "numeric" })
    : span < DAY / 2 ? clock : written({ day: "numeric", month: "short", ...time });
  const midnight = written({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const tick = (seconds, step) => (step >= DAY || midnight(seconds) === "00:00" ? day(seconds) : clock(seconds));
  return {
    zone,
    tick,
    // Within a minute there are several ticks: its time stands at the first.
    ticks: (splits, step) => splits.map((each) => tick(each, step)).map((text, place, all) => (text === all[place - 1] ? "" : text)),
    whole,
  };
}
