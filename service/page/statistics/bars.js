// The largest groups as bars: accepted, refused and bounced on each other, or the share opened; the table has all.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { number, percent } from "../numbers.js";
import { groupOf, shareOf } from "./figures.js";

/** Groups that are drawn. */
const MOST = 12;

const parts = (row, most) => ["accepted", "refused", "bounced"].map((name) => html`<span class="st-part st-${name}" .style=${`width:${(100 * Math.max(0, name === "accepted" ? row.accepted - row.bounced : row[name])) / most}%`}></span>`);

function bar(row, asked, zone, most) {
  const { name } = groupOf(row, asked, zone);
  const { share } = shareOf(row.opened, row.accepted);
  const reading = asked.show === "reading";
  const text = reading ? (share === null ? "–" : percent(share / 100)) : number(row.sent);
  return html`<li><span class="st-bar-name"><bdi>${name}</bdi></span><span class="st-bar" aria-hidden="true">${
    reading ? html`<span class="st-part st-accepted" .style=${`width:${share ?? 0}%`}></span>` : parts(row, most)}</span><span class="st-bar-number">${text}</span></li>`;
}

/** The figure; rows are the API's, the largest first. */
export function bars(rows, asked, zone) {
  const text = said.statistics;
  const drawn = rows.slice(0, MOST);
  const most = Math.max(1, ...drawn.map((row) => row.accepted + row.refused));
  const key = asked.show === "reading" ? ["opened"] : ["accepted", "refused", "bounced"];
  return html`<figure class="plot st-bars" aria-labelledby="st-bars st-bars-summary"><figcaption><h2 id="st-bars">${text.bars(text.groups[asked.by].toLocaleLowerCase())}</h2>
    <p id="st-bars-summary" class="plot-summary">${text.barsSummary(drawn.length)}</p></figcaption>
    <ul class="plot-key">${key.map((name) => html`<li><span class="st-sample st-part st-${name === "opened" ? "accepted" : name}"></span>${text.columns[name]}</li>`)}</ul>
    <ol>${drawn.map((row) => bar(row, asked, zone, most))}</ol></figure>`;
}
