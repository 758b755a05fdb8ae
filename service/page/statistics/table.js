// The figures as a table: a row a group, whose name and numbers open exactly these messages, and their sum.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { link, messagesOf } from "../gateway/links.js";
import { ageOf } from "../gateway/figures.js";
import { said } from "../language.js";
import { number as written, percent } from "../numbers.js";
import { groupOf, shareOf, totalOf } from "./figures.js";

/** What each number's messages are filtered by; attempts, and reports of spam, are no list of messages. */
const FILTERS = {
  sent: { direction: "sent" }, accepted: { status: "accepted,bounced" }, refused: { status: "refused" }, bounced: { status: "bounced" },
  opened: { opened: "yes" }, clicked: { clicked: "yes" }, received: { direction: "received" },
};
const COLUMNS = { outcomes: ["sent", "accepted", "deferred", "refused", "bounced", "complained", "received"], reading: ["accepted", "opened", "clicked"] };

function number(app, row, name, query, asked) {
  const value = row[name];
  const shown = query && value && FILTERS[name] ? link(app, messagesOf({ ...query, ...FILTERS[name] }), written(value)) : written(value);
  return html`<td role="cell" data-label=${said.statistics.columns[name]}>${shown}${asked.show === "reading" && name !== "accepted" ? shareText(row[name], row.accepted) : nothing}</td>`;
}

function shareText(part, whole) {
  const { share } = shareOf(part, whole);
  return share === null ? nothing : html` <span class="st-share">${percent(share / 100)}</span>`;
}

const seconds = (name, value) => html`<td role="cell" data-label=${said.statistics.columns[name]}>${value === null || value === undefined ? "–" : ageOf(value)}</td>`;

/** The filter that a group's messages have beside the span: campaign mail alone is tracked. */
const queryOf = (query, asked) => (query && asked.show === "reading" && asked.by !== "campaign" ? { ...query, source: "campaign" } : query);

export function table(app, rows, asked, zone, dayText) {
  const text = said.statistics;
  const columns = COLUMNS[asked.show];
  const times = asked.show === "outcomes";
  const row = (each) => {
    const group = groupOf(each, asked, zone);
    const query = queryOf(group.query, asked);
    const name = group.name ?? dayText(group.at);
    return html`<tr role="row"><th role="rowheader" scope="row">${query ? link(app, messagesOf(query), html`<bdi>${name}</bdi>`) : html`<bdi>${name}</bdi>`}</th>${
      columns.map((each_) => number(app, each, each_, query, asked))}${times ? html`${seconds("median", each.medianSeconds)}${seconds("p95", each.p95Seconds)}` : nothing}</tr>`;
  };
  const all = queryOf({ from: asked.from, to: asked.to }, asked);
  return html`<div class="st-scroll"><table role="table" class="st-table"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${text.groups[asked.by]}</th>${
    [...columns, ...(times ? ["median", "p95"] : [])].map((name) => html`<th role="columnheader" scope="col">${text.columns[name]}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map(row)}</tbody>
    <tfoot role="rowgroup"><tr role="row"><th role="rowheader" scope="row">${text.total}</th>${columns.map((name) => number(app, totalOf(rows), name, all, asked))}${times ? html`<td role="cell"></td><td role="cell"></td>` : nothing}</tr></tfoot></table></div>`;
}
