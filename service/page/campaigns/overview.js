// The overview of one campaign: how far it is, what became of whom, whom it is for, and what people did with it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, skeleton } from "../notices.js";
import { plot } from "../plot.js";
import { number, percent } from "../numbers.js";
import { linkTable } from "./links.js";
import { mailingLines } from "./mailings.js";
import { doneOf, numberLink, outcomeName, progressBar, share } from "./figures.js";
import { hasBegun, launched, nextDue, outcomesOf, percentDone } from "./outcomes.js";
import { statusOf, written } from "./recipient-filter.js";

/** Links on the overview; the tab has all. */
const FIRST_LINKS = 3;

/** A number that links to the recipients whom it counts. */
function countLink(view, value, query) {
  const { href, follow } = view.linkTo("recipients", query);
  return numberLink(value, href, follow);
}

/** The pace and the end, or why there are none. */
function pace({ status, progress, ...campaign }) {
  const { pace: words } = said.campaigns;
  if (status === "PAUSED") return words.paused;
  if (status === "CANCELLED") return html`${words.cancelled} ${moment(campaign.finishedAt)}.`;
  if (status === "FINISHED") return html`${words.finished} ${moment(campaign.finishedAt)}.`;
  if (!progress.waiting) {
    const due = nextDue(campaign);
    return due ? html`${words.nextMailing} ${moment(due)}.` : words.waitsForEvents;
  }
  if (!progress.perMinute) return words.none;
  const rate = words.rate(progress.perMinute < 1 ? "< 1" : number(Math.round(progress.perMinute)));
  return progress.estimatedEndAt ? html`${rate} ${words.ends} ${moment(progress.estimatedEndAt)} ${words.ifNothingChanges}` : rate;
}

/** The button of an outcome: retry, or settle, exactly those. */
function does({ decisions }, { name, statuses, count, retry, settle }) {
  if (!count) return nothing;
  const { retryN, settleN } = said.campaigns.buttons;
  if (retry && decisions.can("RETRY")) {
    return html`<button type="button" class="button campaign-small" data-acts @click=${() => decisions.ask("retry", name, { statuses, causes: null, mailingIds: null })}>${retryN(number(count))}</button>`;
  }
  if (settle && decisions.can("SETTLE")) {
    return html`<button type="button" class="button campaign-small" data-acts @click=${() => decisions.ask("settle", name, { count })}>${settleN(number(count))}</button>`;
  }
  return nothing;
}

function outcomeRow(view, each) {
  return html`<tr><td class="campaign-swatch-cell"><span class="campaign-swatch ${each.part}"></span></td>
      <th scope="row">${outcomeName(each)}</th>
      <td class="campaign-n">${countLink(view, each.count, { status: statusOf(each.statuses) })}</td>
      <td class="campaign-share">${share(each.share)}</td><td class="campaign-do">${does(view, each)}</td></tr>
    ${view.decisions.asked?.at === each.name ? html`<tr class="campaign-plan-row"><td colspan="5">${view.decisions.planAt(each.name)}</td></tr>` : nothing}`;
}

function run(view) {
  const { campaign } = view;
  const { progress } = campaign;
  const { heads } = said.campaigns;
  return html`<section class="campaign-box" aria-labelledby="campaign-run"><h2 id="campaign-run" class="unseen">${heads.progress}</h2>
    <p class="campaign-run"><b class="campaign-big">${percent(percentDone(progress) / 100)}</b>
      <span>${said.campaigns.handedOver(doneOf(progress))}</span><span class="campaign-soft">${pace(campaign)}</span></p>
    ${progressBar(progress)}
    <table class="campaign-outcomes"><thead class="unseen"><tr><td></td><th>${heads.outcome}</th><th>${heads.messages}</th><th>${heads.share}</th><th>${heads.action}</th></tr></thead>
      <tbody>${outcomesOf(progress).map((each) => outcomeRow(view, each))}
      <tr class="campaign-sum"><td></td><th scope="row">${said.campaigns.launched}</th><td class="campaign-n">${countLink(view, launched(progress), { status: "launched" })}</td><td></td><td></td></tr></tbody></table></section>`;
}

/** Why who was left out got nothing: "58 opted out, 34 suppressed", each a link. */
const leftOutBy = (view) => view.campaign.progress.leftOutBy.map(({ reason, recipients }, place) => {
  const { href, follow } = view.linkTo("recipients", { leftOut: written([reason]) });
  return html`${place ? ", " : nothing}<a href=${href} @click=${follow}>${number(recipients)} ${said.campaigns.leftOut[reason] ?? reason}</a>`;
});

function listLink(view, list) {
  const there = { view: "lists", path: [list.id], query: {} };
  return html`<a href=${writeAddress(there)} @click=${view.app.to(there)}><bdi>${list.name}</bdi></a>`;
}

function audience(view) {
  const { campaign } = view;
  const { progress, lists = [], excludedLists = [], mailings } = campaign;
  const { audience: words } = said.campaigns;
  const whose = [...lists.map((list) => html`${words.list} ${listLink(view, list)}`), ...excludedLists.map((list) => html`${words.minus} ${listLink(view, list)}`)];
  const begun = hasBegun(campaign);
  return html`<section class="campaign-box" aria-labelledby="campaign-audience"><h2 id="campaign-audience">${words.heading}</h2>
    <table class="campaign-plain"><tbody>
      ${whose.map((line) => html`<tr><td colspan="2">${line}</td></tr>`)}
      ${whose.length ? nothing : html`<tr><td colspan="2">${campaign.kind === "EVENT_BASED" ? words.events : words.named}</td></tr>`}
      ${begun ? html`
      <tr><th scope="row">${mailings.length > 1 ? words.allOfMailings(mailings.length) : words.all}</th><td class="campaign-n">${countLink(view, progress.total, {})}</td></tr>
      ${progress.leftOut ? html`<tr><th scope="row">${words.leftOut}<small>${leftOutBy(view)}</small></th><td class="campaign-n">${minus(view, progress.leftOut)}</td></tr>` : nothing}
      <tr class="campaign-sum"><th scope="row">${said.campaigns.launched}</th><td class="campaign-n">${countLink(view, launched(progress), { status: "launched" })}</td></tr>`
        : html`<tr><td colspan="2" class="campaign-soft">${words.notFrozen}</td></tr>`}
    </tbody></table></section>`;
}

function minus(view, value) {
  const { href, follow } = view.linkTo("recipients", { leftOut: "all" });
  return html`<a class="campaign-number" href=${href} @click=${follow}>−${number(value)}</a>`;
}

/** What people did: only what was tracked is counted. */
function people(view) {
  const { tracked, progress } = view.campaign;
  const { people: words } = said.campaigns;
  const line = (name, value) => html`<tr><th scope="row">${words[name]}</th><td class="campaign-n">${value}</td></tr>`;
  const none = html`<span class="not">${said.campaigns.notTracked}</span>`;
  return html`<section class="campaign-box" aria-labelledby="campaign-people"><h2 id="campaign-people">${words.heading}</h2>
    <table class="campaign-plain"><tbody>
      ${line("opened", tracked ? countLink(view, progress.opened, { opened: true }) : none)}
      ${line("clicked", tracked ? countLink(view, progress.clicked, { clicked: true }) : none)}
      ${["unsubscribed", "complained", "replied"].map((name) => line(name, number(progress[name])))}
    </tbody></table></section>`;
}

/** Whose opens are counted: people's, with what may be theirs, without what is not. */
const peopleNote = ({ tracked, progress }) => (tracked
  ? html`<p class="campaign-note">${said.campaigns.countsPeople}${progress.machineOnly ? html` ${said.campaigns.machines(number(progress.machineOnly))}` : nothing}${
    progress.openedUnsure ? html` ${said.campaigns.realOpens(number(progress.opened), number(progress.opened + progress.openedUnsure))}` : nothing}</p>` : nothing);

/** The plot of what came over time. Its lines are told apart by dashes, its numbers are a table, too. */
function course(view) {
  const { results, campaign } = view;
  const { course: words } = said.campaigns;
  if (!results.grown) {
    return html`<section class="campaign-box" aria-label=${words.heading}>${results.state === "error" ? failure(results.error, () => results.renew()) : skeleton(3)}</section>`;
  }
  const { grown, shades } = results;
  const series = [
    { label: said.campaigns.heads.accepted, values: grown.accepted, token: "--plot-1" },
    ...(campaign.tracked ? [
      { label: said.campaigns.heads.opened, values: grown.opened, dash: [7, 4], token: "--plot-2" },
      { label: said.campaigns.heads.clicked, values: grown.clicked, dash: [2, 4], token: "--plot-3" },
    ] : []),
  ];
  const last = (name) => number(grown[name].at(-1));
  const summary = campaign.tracked ? words.summary(last("accepted"), last("opened"), last("clicked")) : words.summaryUntracked(last("accepted"));
  return html`<section class="campaign-course">${plot({
    id: "campaign-course", level: 2, name: campaign.tracked ? words.heading : words.headingUntracked, summary, x: grown.x, series, unit: words.unit, time: true, shades, format: number,
  })}${peopleNote(campaign)}</section>`;
}

function links(view) {
  const { links: found } = view.results;
  if (!found?.length) return nothing;
  const { href, follow } = view.linkTo("links");
  return html`<section class="campaign-box" aria-labelledby="campaign-links"><h2 id="campaign-links">${said.campaigns.parts.links}
    ${found.length > FIRST_LINKS ? html`<a href=${href} @click=${follow}>${said.campaigns.all(number(found.length))}</a>` : nothing}</h2>${linkTable(found.slice(0, FIRST_LINKS), found)}</section>`;
}

const mailings = (view) => html`<section class="campaign-box" aria-labelledby="campaign-mailings"><h2 id="campaign-mailings">${said.campaigns.parts.mailings}</h2>${mailingLines(view)}</section>`;

/** Before its audience is frozen: when it starts, and what there is. */
function toCome(view) {
  const { campaign } = view;
  const { toCome: words } = said.campaigns;
  const due = nextDue(campaign);
  const why = campaign.status === "DRAFT" ? words.draft : due ? html`${words.starts} ${moment(due)}.` : words.freezing;
  return html`<section class="campaign-box"><p class="campaign-run"><b class="campaign-big">${said.campaigns.states[campaign.status]}</b><span class="campaign-soft">${why}</span></p></section>`;
}

export function overview(view) {
  const begun = hasBegun(view.campaign);
  return html`<div class="campaign-two"><div class="campaign-stack">${begun ? html`${run(view)}${view.campaign.launchedAt ? course(view) : nothing}` : toCome(view)}</div>
    <div class="campaign-stack">${audience(view)}${begun ? people(view) : nothing}${links(view)}${mailings(view)}</div></div>`;
}
