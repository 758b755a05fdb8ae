// The attempts and events of one mail, in order, with the server's responses.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { doubt, reportWords } from "./delivery-report.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { exactMoment, took } from "../moments.js";
import { mailLink } from "./received-mail.js";
import { hintClass, statusShape } from "../status-icon.js";
import { evidenceOf, words } from "../words.js";

const ISO = /^\d{4}-\d\d-\d\dT/;

const VERDICT_HINT = { ACCEPTED: "GREY", DEFERRED: "AMBER", REFUSED: "RED", UNCERTAIN: "AMBER" };
const EVENT_HINT = {
  HELD: "RED", EXPIRED: "RED", BOUNCED: "RED", COMPLAINED: "RED", SUPPRESSED: "RED",
  UNCERTAIN: "AMBER", OPTED_OUT: "AMBER", DELAYED: "AMBER",
};

const responseText = ({ code, text }) => html`<pre dir="auto"><b>${code}</b> ${text ?? `(${said.message.textErased})`}</pre>`;

/** The whole response: its code, and every line as the server sent it. */
export function serverResponse(response) {
  if (!response) return nothing;
  return html`<figure class="answer-whole">
    ${responseText(response)}
    <figcaption>${words.stage(response.stage)} · ${response.host} · ${response.tls ?? said.message.timeline.noTls}</figcaption>
  </figure>`;
}

/** What the server said: a reply, or words that are none. */
function attemptWords({ response, unreadableReply }) {
  if (response) return responseText(response);
  if (!unreadableReply) return html`<p class="how">${said.message.timeline.silent}</p>`;
  return html`<p class="how">${said.message.timeline.unreadable}</p><pre dir="auto">${unreadableReply}</pre>`;
}

function attempt({ attempt: each, copy }) {
  const hint = VERDICT_HINT[each.verdict] ?? "GREY";
  const whom = forCopy(copy);
  return html`<li class="moment-of-mail">
    ${statusShape({ colorHint: hint, status: each.verdict })}
    <div><p class="what"><b class=${hintClass(hint)}>${words.verdict(each.verdict)}${each.cause ? `: ${words.cause(each.cause)}` : ""}</b>
        <span class="which"><span class="number">${said.message.timeline.attempt(each.number)}</span>${whom}</span></p>
      <p class="when-exactly">${exactMoment(each.startedAt)}</p>
      <p class="how">${said.message.timeline.how(each.relay, words.stage(each.stage), took(each.tookMs))}</p>
      ${attemptWords(each)}
    </div></li>`;
}

const forCopy = (copy) => (copy ? html` ${said.message.timeline.toCopy} ${copy.role} <bdi>${copy.address}</bdi>` : nothing);

const ICONS = { OPENED: icons.opened, CLICKED: icons.leaves, REPLIED: icons.received, RECEIVED: icons.letter, FORWARDED: icons.outgoing };

/** The text of an event; UNCERTAIN has three, for a lost response, a lost worker and a ledger that was restored. */
function eventText({ kind, detail }) {
  if (detail?.restore) return said.message.timeline.restored;
  return detail?.handedOffAt ? said.message.timeline.workerLost : words.event(kind);
}

const evidence = ([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${ISO.test(value) ? exactMoment(value) : value}</dd></div>`;

/** What an event is about, below its time. */
function about(each, show) {
  if (each.report) return reportWords(each.report, { when: false });
  if (each.click) return html`<p class="how"><bdi>${each.click.url}</bdi></p>`;
  return each.reply ? html`<p class="how">${mailLink(each.reply, show)}</p>` : nothing;
}

function event(each, show) {
  // What nothing vouches for has changed nothing.
  const doubted = each.report && !each.report.verified;
  const hint = doubted ? "AMBER" : (EVENT_HINT[each.kind] ?? "GREY");
  const certain = each.verdict === "UNKNOWN" ? said.message.timeline.perhapsMachine : "";
  const details = evidenceOf(each.detail).map(evidence);
  return html`<li class="moment-of-mail">
    <span class="status ${hintClass(hint)}">${ICONS[each.kind] ?? icons.event}</span>
    <div><p class="what"><b class=${hintClass(hint)}>${eventText(each)}</b>${each.report ? doubt(each.report) : nothing}
        <span class="which">${said.message.timeline.by(each.by)}${certain}${forCopy(each.copy)}</span></p>
      <p class="when-exactly">${exactMoment(each.occurredAt)}</p>
      ${about(each, show)}
      ${details.length ? html`<dl class="detail">${details}</dl>` : nothing}
    </div></li>`;
}

/** A mail's life, oldest first: `events` as the API lists them; `show(id)` opens a mail, `more()` reads what follows. */
export function deliveryTimeline(events, { show, more }) {
  if (!events) return html`<p class="how">${said.message.timeline.unreadableNow}</p>`;
  if (!events.nodes.length) return html`<p class="how">${said.message.timeline.none}</p>`;
  return html`<ol class="timeline">${events.nodes.map((each) => (each.attempt ? attempt(each) : event(each, show)))}</ol>
    ${events.pageInfo.hasNextPage ? html`<button type="button" class="button" @click=${more}>${said.message.timeline.more}</button>` : nothing}`;
}
