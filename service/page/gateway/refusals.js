// Refusals by cause: how many, their share, since when, and an example in a server's words.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { notice } from "../notices.js";
import { number, percent } from "../numbers.js";
import { plot } from "../plot.js";
import { said } from "../language.js";
import { sparkline } from "../sparkline.js";
import { responseLine, words } from "../words.js";
import { refusalPlot, refusalsOf } from "./figures.js";
import { link, messagesOf } from "./links.js";

export const causeName = (cause) => (cause ? words.sentence(words.cause(cause)).slice(0, -1) : said.gateway.refusals.unknown);

/** Rows keep their place while one reads; a cause that is new comes behind them. */
export function inOrder(rows, order) {
  const place = (cause) => (order.includes(cause) ? order.indexOf(cause) : order.length);
  return [...rows].sort((one, other) => place(one.cause) - place(other.cause));
}

function row(view, { cause, count, share, trend }, since) {
  const said_ = said.gateway.refusals;
  const name = causeName(cause);
  const query = { status: "refused", from: new Date(since * 1000).toISOString(), ...(cause && { cause: cause.toLowerCase() }) };
  const words_ = responseLine(view.examples[cause]);
  return html`<tr role="row"><th role="rowheader" scope="row">${name}</th>
    <td role="cell" data-label=${said_.count}>${link(view.app, messagesOf(query), number(count))}</td>
    <td role="cell" data-label=${said_.share}>${percent(share / 100)}</td>
    <td role="cell" data-label=${said_.trend}>${sparkline(trend)}</td>
    <td role="cell" class="gw-example" data-label=${said_.words}>${words_ ? html`<span class="answer">${words_}</span>` : nothing}</td></tr>`;
}

export function refusals(view) {
  const text = said.gateway.refusals;
  const { rows, since } = refusalsOf(view.history, view.last, Date.now());
  if (!rows.length) return notice({ heading: text.none, text: text.noneText[view.last] });
  return html`${plot({ ...refusalPlot(view.history, view.last, Date.now(), causeName), level: 2 })}
    <section class="gw-part" aria-labelledby="gw-causes"><h2 id="gw-causes">${text.heading}</h2>
    <table role="table" class="gw-table gw-causes"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${text.cause}</th><th role="columnheader" scope="col">${text.count}</th><th role="columnheader" scope="col">${text.share}</th>
      <th role="columnheader" scope="col">${text.trend}</th><th role="columnheader" scope="col">${text.words}</th></tr></thead>
    <tbody role="rowgroup">${inOrder(rows, view.causeOrder).map((each) => row(view, each, since))}</tbody></table></section>`;
}
