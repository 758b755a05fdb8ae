// The head of one campaign: title, state, its facts in a line, what can be done, and the plan of what was asked.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { stateBadge } from "./figures.js";
import { nextDue } from "./outcomes.js";

const PRIORITIES = [1, 2, 3, 4, 5, 6, 7];

/** What it is and since when: "Marketing · priority 4 · launched Nov 29, 2:00 PM · as Northlight". */
function facts(campaign) {
  const { facts: times, kinds, priority, sentAs, archivedSince } = said.campaigns;
  const due = campaign.status === "SCHEDULED" ? nextDue(campaign) : null;
  const parts = [
    kinds[campaign.kind] ?? campaign.kind,
    `${priority} ${campaign.priority}`,
    campaign.launchedAt ? html`${times.launched} ${moment(campaign.launchedAt)}` : html`${times.made} ${moment(campaign.createdAt)}`,
    due && html`${times.starts} ${moment(due)}`,
    campaign.finishedAt && html`${campaign.status === "CANCELLED" ? times.cancelled : times.finished} ${moment(campaign.finishedAt)}`,
    campaign.sender && html`${sentAs} <bdi title=${campaign.sender.from}>${campaign.sender.name}</bdi>`,
    campaign.archivedAt && html`${archivedSince} ${moment(campaign.archivedAt)}`,
  ];
  return parts.filter(Boolean).map((part, place) => html`${place ? " · " : nothing}<span>${part}</span>`);
}

/** Why nothing leaves: a person's words, or a server's. */
const pause = (campaign) => (campaign.status === "PAUSED" && campaign.pausedAt
  ? html`<p class="campaign-paused">${said.campaigns.pausedSince} ${moment(campaign.pausedAt)}. <bdi>${campaign.pausedWhy ?? ""}</bdi></p>` : nothing);

function menu(view) {
  const { campaign, decisions } = view;
  const buttons = decisions.inMenu();
  const can = campaign.actions.includes("UPDATE") && campaign.status !== "DRAFT";
  if (!buttons.length && !can) return nothing;
  const close = (event) => {
    const details = event.currentTarget.closest("details");
    details.removeAttribute("open");
    details.querySelector("summary").focus();
  };
  const onKey = (event) => {
    if (event.key !== "Escape" || !event.currentTarget.open) return;
    event.stopPropagation();
    event.preventDefault();
    event.currentTarget.open = false;
    event.currentTarget.querySelector("summary").focus();
  };
  const onFocus = (event) => {
    if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
  };
  return html`<details class="campaign-menu" @keydown=${onKey} @focusout=${onFocus}>
    <summary class="button" aria-label=${said.campaigns.more} title=${said.campaigns.more}><span aria-hidden="true">⋯</span></summary>
    <div class="campaign-menu-body">
      ${can ? html`<label class="campaign-priority">${said.campaigns.heads.priority}
        <select .value=${String(campaign.priority)} @change=${(event) => decisions.setPriority(Number(event.target.value))}>${
          PRIORITIES.map((each) => html`<option value=${each} ?selected=${each === campaign.priority}>${said.campaigns.priorities(each)}</option>`)}</select></label>` : nothing}
      ${buttons.map(({ name, run }) => html`<button type="button" class="campaign-menu-item" data-acts @click=${(event) => { close(event); run(); }}>${name}</button>`)}
    </div></details>`;
}

function actions(view) {
  const { decisions } = view;
  if (view.app.readOnly) return nothing;
  return html`<div class="campaign-actions">${decisions.inHead().map(({ name, run, primary, link }) => (link
    ? html`<a class="button ${primary ? "primary" : ""}" href=${link.href} @click=${link.follow}>${name}</a>`
    : html`<button type="button" class="button ${primary ? "primary" : ""}" data-acts aria-disabled=${decisions.acting ? "true" : "false"} @click=${run}>${name}</button>`))}
    ${menu(view)}</div>`;
}

export const campaignHead = (view) => html`<header class="campaign-head">
    <div class="campaign-head-words"><h1><bdi>${view.campaign.title}</bdi> ${stateBadge(view.campaign.status)}</h1>
      <p class="campaign-facts">${facts(view.campaign)}</p>${pause(view.campaign)}</div>
    ${actions(view)}</header>
  ${view.decisions.fault && !view.decisions.asked ? html`<p class="fault campaign-fault" role="alert">${view.decisions.fault}</p>` : nothing}
  ${view.decisions.planAt("head")}`;

