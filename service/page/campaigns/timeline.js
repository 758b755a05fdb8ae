// What came of a campaign over time: sums that grow, from the API's differences.

const MINUTE_MS = 60_000;
const LENGTH_MS = { MINUTE: MINUTE_MS, HOUR: 60 * MINUTE_MS, DAY: 1_440 * MINUTE_MS };
/** Buckets that the API tells at most, a few less: a span may begin within one. */
const BUCKETS = 495;
/** Days for which minutes and hours are kept. */
const KEPT_DAYS = { MINUTE: 7, HOUR: 90 };
/** What each line counts of a bucket: accepted without what came back, as everywhere here. */
const SERIES = { accepted: ({ accepted, bounced = 0 }) => accepted - bounced, opened: ({ opened }) => opened, clicked: ({ clicked }) => clicked };

/** The shortest bucket of which all since the launch are told. */
export function bucketSince(launchedAt, now = Date.now()) {
  const since = now - new Date(launchedAt).getTime();
  const told = (bucket) => since <= BUCKETS * LENGTH_MS[bucket] && since <= KEPT_DAYS[bucket] * LENGTH_MS.DAY;
  return ["MINUTE", "HOUR"].find(told) ?? "DAY";
}

/**
 * Sums at the end of each bucket: `{ x, accepted, opened, clicked }`, `x` in seconds since 1970, from the launch on to `until`
 * (ISO) where nothing came after the last one.
 */
export function growing(moments, bucket, { launchedAt, until }) {
  const end = new Date(until).getTime();
  const begin = Math.min(new Date(launchedAt).getTime(), ...moments.slice(0, 1).map(({ startsAt }) => new Date(startsAt).getTime()));
  const grown = { x: [begin / 1000], accepted: [0], opened: [0], clicked: [0] };
  const at = (ms, moment) => {
    if (ms / 1000 <= grown.x.at(-1)) return;
    grown.x.push(ms / 1000);
    for (const [name, of] of Object.entries(SERIES)) grown[name].push(grown[name].at(-1) + (moment ? of(moment) : 0));
  };
  let last = begin;
  for (const moment of moments) {
    const start = new Date(moment.startsAt).getTime();
    // Nothing happened in between: the line stays flat up to here.
    if (start > last) at(start);
    last = start + LENGTH_MS[bucket];
    at(Math.max(Math.min(last, end), start + 1_000), moment);
  }
  at(end);
  return grown;
}

/** When it was paused, in seconds: `{ from, to }`; one that goes on ends at `until`. `events` are the newest first. */
export function pausesOf(events, until) {
  const seconds = (iso) => new Date(iso).getTime() / 1000;
  const pauses = [];
  let since = null;
  for (const { action, occurredAt } of events.toReversed()) {
    if (action === "pauseCampaign" || action === "restored") since ??= occurredAt;
    else if (since && ["resumeCampaign", "cancelCampaign", "finished"].includes(action)) {
      pauses.push({ from: seconds(since), to: seconds(occurredAt) });
      since = null;
    }
  }
  return since ? [...pauses, { from: seconds(since), to: seconds(until) }] : pauses;
}
