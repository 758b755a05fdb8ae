// What a mail system reported of a mail after the server had taken it: its words, and who says so.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { exactMoment } from "../moments.js";
import { words } from "../words.js";

/** The report's words as they stand, below them who reported, who refused, and when; `when` is left out in a timeline. */
export function reportWords(report, { when = true } = {}) {
  const from = [report.reportedBy && said.message.report.by(report.reportedBy), report.host && said.message.report.refusedBy(report.host), report.statusCode];
  return html`<figure class="answer-whole">
    <pre dir="auto">${report.text ?? `(${said.message.textErased})`}</pre>
    <figcaption>${from.filter(Boolean).join(" · ")}${when ? html`<div>${exactMoment(report.receivedAt)}</div>` : nothing}</figcaption>
  </figure>`;
}

/** The mark of a report for which nothing vouches. */
export const doubt = (report) => (report.verified ? nothing : html` <span class="mark doubtful">${said.message.report.notVerified}</span>`);

/** The newest failure report of a mail, and what it means that nothing vouches for it. */
export function failureReport(report) {
  if (!report) return nothing;
  return html`<section class="report" aria-labelledby="report-heading">
    <h3 id="report-heading">${report.verified ? said.message.report.bounced : said.message.report.reported}${doubt(report)}</h3>
    ${reportWords(report)}
    ${report.verified ? nothing : html`<p class="how">${report.cause ? words.sentence(words.cause(report.cause)) : nothing} ${said.message.report.doubt}</p>`}
  </section>`;
}
