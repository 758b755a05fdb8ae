// What the gateway's view reads, and a person's orders to the gateway.
import { fetchData, mutate } from "../graphql.js";

const ANSWERS = "accepted deferred refused causes { cause messages }";
const MOMENT = `startedAt ${ANSWERS} lanes { name depth oldestSeconds } relays { name accepted deferred refused }`;
const NOW = `query Gateway($day: Boolean!, $relays: Boolean!, $domains: Boolean!) {
  gateway {
    lanes { name campaignId campaignTitle pausedAt pausedWhy depth deeper rate oldestSeconds }
    relays {
      name usable pausedUntil pausedWhy pausedBy stoppedAt stoppedWhy seenAt perMinute perDay capToday warmUpStart warmUpFactor warmUpSince
      limitSource limitedBy waitsUntil sentToday
      events @include(if: $relays) { occurredAt by kind domain stage code response until }
    }
    destinations {
      domain
      ...Limits @include(if: $domains)
    }
    domains @include(if: $domains) { domain depth rate }
    recent: history(last: HOUR) { ${MOMENT} }
    day: history(last: DAY) @include(if: $day) { ${MOMENT} }
  }
  onWire: messages(filter: { statuses: [HANDED_OFF] }, first: 1) { totalCount { value } }
}
fragment Limits on Destination {
  perMinute perDay connections capToday sentToday rate nextSlot warmUpStart warmUpFactor warmUpSince
  pausedUntil pausedWhy pausedBy stoppedAt stoppedWhy
}`;
const ACCEPTANCE = `query Acceptance($since: DateTime!, $until: DateTime!) {
  statistics(since: $since, until: $until, groupBy: [HOUR]) { startsAt p95Seconds }
}`;
/** Causes for which an example is read. */
const EXAMPLES = 8;

/** The gateway now; `last` is `hour` or `day`, `tab` the part that is shown. */
export async function readGateway({ last, tab }, options) {
  const { gateway, onWire } = await fetchData(NOW, { day: last === "day", relays: tab === "relays", domains: tab === "destinations" }, options);
  return { ...gateway, day: gateway.day ?? null, onWire: onWire?.totalCount?.value ?? null };
}

/** Within how many seconds 95 of 100 messages of each hour of the last day were accepted: by the hour's start in seconds. */
export async function readAcceptance(now, options) {
  const { statistics } = await fetchData(ACCEPTANCE, { since: new Date(now - 86_400_000).toISOString(), until: new Date(now).toISOString() }, options);
  return new Map((statistics ?? []).map(({ startsAt, p95Seconds }) => [Date.parse(startsAt) / 1000, p95Seconds]));
}

/** A server's words for each of these causes of refusals since a moment: an object by cause. */
export async function readExamples(causes, since, options) {
  const asked = causes.filter(Boolean).slice(0, EXAMPLES);
  if (!asked.length) return {};
  const parts = asked.map((cause) => `${cause}: messages(filter: { statuses: [REFUSED], causes: [${cause}], occurredAt: { since: $since } }, first: 1) {
    nodes { info { response { code enhancedCode text } } } }`);
  const found = await fetchData(`query Examples($since: DateTime!) { ${parts.join("\n")} }`, { since }, options);
  return Object.fromEntries(asked.map((cause) => [cause, found[cause]?.nodes[0]?.info?.response ?? null]));
}

const ORDERS = {
  pauseRelay: "PauseRelayInput", resumeRelay: "RelayInput", setRelayLimit: "SetRelayLimitInput",
  pauseDestination: "PauseDestinationInput", resumeDestination: "DestinationInput", setDestinationLimit: "DestinationLimitInput",
  pauseLane: "LaneInput", resumeLane: "LaneInput",
};

/** Gives one of the orders by its mutation's name. Throws Refused with all faults. */
export const order = (name, input) =>
  mutate(`mutation Order($input: ${ORDERS[name]}!) { done: ${name}(input: $input) { userErrors { message field } } }`, { input });
