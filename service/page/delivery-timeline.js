// The attempts and events of one mail, in order, with the server's responses.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { exactMoment, took } from "./moments.js";
import { hintClass, statusShape } from "./status-icon.js";
import { evidenceOf, words } from "./words.js";

const ISO = /^\d{4}-\d\d-\d\dT/;

const VERDICT_HINT = { ACCEPTED: "GREY", DEFERRED: "AMBER", REFUSED: "RED", UNCERTAIN: "AMBER" };
const EVENT_HINT = {
  HELD: "RED", EXPIRED: "RED", BOUNCED: "RED", COMPLAINED: "RED", SUPPRESSED: "RED",
  UNCERTAIN: "AMBER", OPTED_OUT: "AMBER",
};

const responseText = ({ code, text }) => html`<pre dir="auto"><b>${code}</b> ${text ?? "(text erased)"}</pre>`;

/** The whole response: its code, and every line as the server sent it. */
export function serverResponse(response) {
  if (!response) return nothing;
  return html`<figure class="answer-whole">
    ${responseText(response)}
    <figcaption>${words.stage(response.stage)} · ${response.host} · ${response.tls ?? "no TLS"}</figcaption>
  </figure>`;
}

/** What the server said: a reply, or words that are none. */
function attemptWords({ response, unreadableReply }) {
  if (response) return responseText(response);
  if (!unreadableReply) return html`<p class="how">The server said nothing.</p>`;
  return html`<p class="how">The server said, which is no reply to a mail:</p><pre dir="auto">${unreadableReply}</pre>`;
}

function attempt(each) {
  const hint = VERDICT_HINT[each.verdict] ?? "GREY";
  const whom = each.copy ? html` to ${each.copy.role} <bdi>${each.copy.address}</bdi>` : nothing;
  return html`<li class="moment-of-mail">
    ${statusShape({ colorHint: hint, status: each.verdict })}
    <div><p class="what"><b class=${hintClass(hint)}>${words.verdict(each.verdict)}${each.cause ? `: ${words.cause(each.cause)}` : ""}</b>
        <span class="which"><span class="number">attempt ${each.number}</span>${whom}</span></p>
      <p class="when-exactly">${exactMoment(each.startedAt)}</p>
      <p class="how">by relay ${each.relay}, ${words.stage(each.stage)}, in ${took(each.tookMs)}</p>
      ${attemptWords(each)}
    </div></li>`;
}

/** The text of an event; UNCERTAIN has two, for a lost response and for a lost worker. */
const eventText = ({ kind, detail }) => (detail?.handedOffAt ? "Its worker was lost while it was being sent" : words.event(kind));

const evidence = ([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${ISO.test(value) ? exactMoment(value) : value}</dd></div>`;

function event(each) {
  const hint = EVENT_HINT[each.kind] ?? "GREY";
  const details = evidenceOf(each.detail).map(evidence);
  return html`<li class="moment-of-mail">
    <span class="status ${hintClass(hint)}">${icons.event}</span>
    <div><p class="what"><b class=${hintClass(hint)}>${eventText(each)}</b> <span class="which">by ${each.by}</span></p>
      <p class="when-exactly">${exactMoment(each.occurredAt)}</p>
      ${details.length ? html`<dl class="detail">${details}</dl>` : nothing}
    </div></li>`;
}

/** Attempts and events, oldest first. */
export function deliveryTimeline({ attempts, events }) {
  const all = [
    ...attempts.map((each) => [each.startedAt, attempt(each)]),
    ...events.map((each) => [each.occurredAt, event(each)]),
  ];
  if (!all.length) return html`<p class="how">No attempt is on record.</p>`;
  all.sort(([one], [other]) => new Date(one) - new Date(other));
  return html`<ol class="timeline">${all.map(([, drawn]) => drawn)}</ol>`;
}
