// The gateway now: four numbers, the lanes, the relays, and the plots of rate, waiting and age.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { plot } from "../plot.js";
import { said } from "../language.js";
import { number as digits } from "../numbers.js";
import { agePlot, ageOf, fourNumbers, laneName, ratePlot, waitingPlot } from "./figures.js";
import { link, messagesOf } from "./links.js";
import { relayRow } from "./rows.js";
import { isHeld, stateOf } from "./standing.js";

/** Lanes of campaigns that are listed; the others are counted. */
const MOST_LANES = 12;
const QUARTER_MS = 15 * 60_000;
const number = (value) => (value === null ? "–" : digits(value));

const tile = (app, heading, value, place, hint) => html`<div class="gw-number"><dt>${heading}</dt>
  <dd>${place ? link(app, place, value) : value}<span class="gw-hint">${hint}</span></dd></div>`;

function numbers(view) {
  const words = said.gateway.numbers;
  const { waiting, more, oldest, onWire, rate, refused } = fourNumbers(view.data, Date.now());
  const { app } = view;
  return html`<div role="group" aria-label=${words.of}><dl class="gw-numbers">
    ${tile(app, words.waiting, `${number(waiting)}${more ? "+" : ""}`, messagesOf({ status: "queued,deferred" }), oldest === null ? words.nothingDue : words.oldest(ageOf(oldest)))}
    ${tile(app, words.onWire, number(onWire), messagesOf({ status: "handed_off" }), words.onWireHint)}
    ${tile(app, words.rate, number(rate), null, words.rateHint)}
    ${tile(app, words.refused, number(refused), messagesOf({ status: "refused", from: new Date(Date.now() - QUARTER_MS).toISOString() }), words.refusedHint)}
  </dl></div>`;
}

/** The lanes of individual mail, then those of campaigns in which something waits. */
export function lanesShown(lanes) {
  const own = lanes.filter(({ campaignId }) => !campaignId);
  const campaigns = lanes.filter(({ campaignId, depth, pausedAt }) => campaignId && (depth > 0 || pausedAt));
  return { shown: [...own, ...campaigns.slice(0, MOST_LANES)], further: Math.max(0, campaigns.length - MOST_LANES) };
}

function lane(view, each) {
  const words = said.gateway.lanes;
  const name = laneName(each.name, each.campaignTitle);
  const place = each.campaignId ? { view: "campaigns", path: [each.campaignId], query: {} } : null;
  const action = each.pausedAt ? "resume" : "pause";
  const act = () => view.orders.lane(action, each.name, action === "pause" ? words.isPaused(name) : words.goesOn(name));
  const fault = view.orders.faultOf("lane", each);
  return html`<tr role="row" data-of="lane" data-name=${each.name} class=${each.pausedAt ? "gw-lane-paused" : ""}>
    <th role="rowheader" scope="row">${place ? link(view.app, place, html`<bdi>${name}</bdi>`) : name}</th>
    <td role="cell" data-label=${words.waiting}>${number(each.depth)}${each.deeper ? "+" : ""}</td>
    <td role="cell" data-label=${words.oldest}>${each.oldestSeconds > 0 ? ageOf(each.oldestSeconds) : "–"}</td>
    <td role="cell" data-label=${words.rate}>${number(Math.round(60 * each.rate))}</td>
    <td role="cell" data-label=${words.state}>${each.pausedAt ? words.paused(each.pausedWhy) : words.runs}${fault ? html`<p class="fault" role="alert">${fault}</p>` : nothing}</td>
    ${view.app.readOnly ? nothing : html`<td role="cell" class="gw-actions">${each.campaignId ? nothing : html`<button type="button" class="button" data-acts
      aria-label=${words.actionOf(words[action], name)} @click=${act}>${words[action]}</button>`}</td>`}</tr>`;
}

function lanes(view) {
  const words = said.gateway.lanes;
  const { shown, further } = lanesShown(view.data.lanes);
  return html`<section class="gw-part" aria-labelledby="gw-lanes"><h2 id="gw-lanes">${words.heading}</h2>
    <table role="table" class="gw-table"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${words.name}</th><th role="columnheader" scope="col">${words.waiting}</th><th role="columnheader" scope="col">${words.oldest}</th>
      <th role="columnheader" scope="col">${words.rate}</th><th role="columnheader" scope="col">${words.state}</th>${
      view.app.readOnly ? nothing : html`<th role="columnheader" scope="col"><span class="unseen">${words.actions}</span></th>`}</tr></thead>
    <tbody role="rowgroup">${shown.map((each) => lane(view, each))}</tbody></table>
    ${further ? html`<p class="hint">${words.more(further)}</p>` : nothing}</section>`;
}

/** All relays as rows; that all are well is said once. */
export function relays(view, below = () => nothing) {
  const words = said.gateway.relays;
  const all = view.data.relays;
  const well = all.length > 0 && !all.some((relay) => isHeld(stateOf(relay)));
  return html`<section class="gw-part" aria-labelledby="gw-relays"><h2 id="gw-relays">${words.heading}</h2>
    ${well ? html`<p class="hint">${words.allAnswer}</p>` : nothing}
    ${all.length ? html`<ul class="gw-rows">${all.map((relay, place) => relayRow(view, relay, below(relay, place)))}</ul>`
      : html`<p class="hint">${words.none}. ${words.noneText}</p>`}</section>`;
}

function plots(view) {
  const now = Date.now();
  return html`<section class="gw-part" aria-labelledby="gw-plots"><h2 id="gw-plots">${said.gateway.plots.heading}</h2>
    <div class="gw-plots">${plot(ratePlot(view.history, view.last, now))}${plot(waitingPlot(view.history, view.last, now))}${
      plot(agePlot(view.history, view.last, now, view.acceptance))}</div></section>`;
}

export const now = (view) => html`${numbers(view)}${lanes(view)}${relays(view)}${plots(view)}`;
