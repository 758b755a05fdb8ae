// How a relay or a destination stands: its state, why, and until when.
import { html, nothing, svg } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";

const drawn = (body) => html`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">${body}</svg>`;
const PAUSE = drawn(svg`<circle cx="10" cy="10" r="7.3" fill="none" stroke="currentColor" stroke-width="1.6"/>
  <path d="M8 7v6M12 7v6" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>`);
const FLOWS = drawn(svg`<path d="M3.5 10h12M11 5.5l4.5 4.5-4.5 4.5" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`);
/** A relay that no worker has registered for so long is not in use. */
const QUIET_MS = 5 * 60_000;

/** `stopped`, `paused` (by a person), `resting` (by the gateway), `limit` (reached today), `quiet` or `takes`. */
export function stateOf(one, now = Date.now()) {
  if (one.stoppedAt) return "stopped";
  if (one.pausedWhy !== null) return one.pausedBy === null ? "resting" : "paused";
  if (one.capToday !== null && one.sentToday >= one.capToday) return "limit";
  if (one.seenAt && now - Date.parse(one.seenAt) > QUIET_MS) return "quiet";
  return "takes";
}

const MARKS = { stopped: PAUSE, paused: PAUSE, resting: icons.waiting, limit: icons.waiting, quiet: icons.waiting, takes: FLOWS };
const TONES = { stopped: "red", resting: "amber" };

/** Whether a person's pause stands, or the gateway waits: then there is something to end. */
export const isHeld = (state) => ["stopped", "paused", "resting"].includes(state);

export const mark = (state) => html`<span class="status ${TONES[state] ?? "grey"}">${MARKS[state]}</span>`;

/** The state in words, and until when. */
export function stateLine(one, state) {
  const words = said.gateway.state;
  const until = one.pausedUntil ? html`${words.until} ${moment(one.pausedUntil)}` : words.untilResumed;
  switch (state) {
    case "stopped": return html`<b>${words.stopped}</b> ${words.since} ${moment(one.stoppedAt)}, ${words.stoppedUntil}`;
    case "paused": return html`<b>${words.pausedBy(one.pausedBy)}</b> ${until}`;
    case "resting": return html`<b>${words.pausedByGateway}</b> ${until}`;
    case "limit": return html`<b>${words.limit}</b>${waits(one, words)}`;
    default: return words[state];
  }
}

const waits = ({ waitsUntil, nextSlot }, words) => (waitsUntil ?? nextSlot ? html`, ${words.nextAt} ${moment(waitsUntil ?? nextSlot)}` : nothing);

/** Why: a person's reason, or the gateway's sentence with the server's words. */
export function whyOf(one, state) {
  if (state === "stopped") return one.stoppedWhy;
  return one.pausedWhy;
}
