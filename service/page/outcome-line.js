// Why a mail was not delivered, or not yet: one line in its row, our cause first, then the server's response.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said as texts } from "./language.js";
import { distance, inUtc } from "./moments.js";
import { hintClass } from "./status-icon.js";
import { oneLine, responseLine, words } from "./words.js";

/** The line; nothing for mail that was received or that the server accepted, unless a report says that it came back. */
export function outcomeLine(info) {
  const { report } = info;
  if (info.colorHint === "GREY" && info.status !== "CANCELLED") {
    return report && !report.verified
      ? html`<span class="outcome"><b class="amber">${texts.words.reportedUnverified}</b>${said(oneLine(report.text))}</span>` : nothing;
  }
  // Of a bounce the response is positive: the report's words are shown.
  const bounced = info.status === "BOUNCED" && report?.verified;
  const response = info.response?.code >= 400 ? responseLine(info.response) : bounced ? oneLine(report.text) : "";
  return html`<span class="outcome"><b class=${hintClass(info.colorHint)}>${cause(info)}</b>${
    info.status === "QUEUED" && info.waitsFor ? html` · <span>${info.waitsFor}</span>` : nothing
  }${next(info)}${said(response)}</span>`;
}

const said = (text) => (text ? html` · <span class="answer" dir="auto">${text}</span>` : nothing);

function cause(info) {
  const short = words.statusShort(info.status);
  if (info.cause) return `${short}: ${words.cause(info.cause)}`;
  if (info.status === "UNCERTAIN") return `${short}: ${texts.words.noAnswer}`;
  return short;
}

const next = (info) =>
  info.colorHint === "AMBER" && info.nextAttemptAt && new Date(info.nextAttemptAt) > new Date()
    ? html` · <span title=${inUtc(info.nextAttemptAt)}>${texts.words.nextTry(distance(info.nextAttemptAt))}</span>`
    : nothing;
