// Why a mail is not there, or not yet: one line in the row itself, our words first, then the server's own.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { distance, inUtc } from "./moments.js";
import { hintClass } from "./status-icon.js";
import { answerLine, words } from "./words.js";

/** Nothing for mail that went well. */
export function outcomeLine(info) {
  if (info.colorHint !== "RED" && info.colorHint !== "AMBER") return nothing;
  // What came back later is not in the answer: the server had said yes.
  const answer = info.response?.code >= 400 ? answerLine(info.response) : "";
  return html`<span class="outcome"><b class=${hintClass(info.colorHint)}>${ours(info)}</b>${
    info.status === "QUEUED" && info.waitsFor ? html` · <span>${info.waitsFor}</span>` : nothing
  }${next(info)}${answer ? html` · <span class="answer" dir="auto">${answer}</span>` : nothing}</span>`;
}

function ours(info) {
  const short = words.statusShort(info.status);
  if (info.cause) return `${short}: ${words.cause(info.cause)}`;
  if (info.status === "UNCERTAIN") return `${short}: no answer after the mail had left`;
  return short;
}

const next = (info) =>
  info.colorHint === "AMBER" && info.nextAttemptAt && new Date(info.nextAttemptAt) > new Date()
    ? html` · <span title=${inUtc(info.nextAttemptAt)}>next try ${distance(info.nextAttemptAt)}</span>`
    : nothing;
