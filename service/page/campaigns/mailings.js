// The mailings of a campaign: each letter with its version, its time and how far it is.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { preference } from "../preferences.js";
import { doneOf, numberLink, progressBar } from "./figures.js";
import { launched } from "./outcomes.js";

/** "Running" of a mailing under way, "Paused" where its campaign is. */
export function mailingState(campaign, mailing) {
  const { mailingStates, states } = said.campaigns;
  const underWay = ["FREEZING", "RUNNING", "SCHEDULED"].includes(mailing.status);
  return campaign.status === "PAUSED" && underWay ? states.PAUSED : (mailingStates[mailing.status] ?? mailing.status);
}

/** A time without a zone: it is each customer's own. */
function localTime(text) {
  const format = new Intl.DateTimeFormat(preference("language"), { day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit", timeZone: "UTC" });
  return html`<time datetime=${text}>${format.format(new Date(`${text}Z`))}</time>`;
}

/** When it goes, as was asked: "at the launch", "Dec 13, 2:00 PM", "9:00 in each time zone", "3 days after the launch". */
function when({ schedule, dueAt }, kind) {
  const { schedule: words } = said.campaigns;
  if (schedule?.sendAt) return moment(schedule.sendAt);
  if (schedule?.atLocalTime) return html`${localTime(schedule.atLocalTime)} ${words.eachZone}`;
  if (schedule?.afterDays != null) {
    const after = words.after(schedule.afterDays, schedule.afterMinutes ?? 0, kind === "EVENT_BASED");
    return schedule.localTime ? `${after}, ${words.notBefore(schedule.localTime)}` : after;
  }
  return dueAt ? moment(dueAt) : kind === "EVENT_BASED" ? words.atEvent : words.atLaunch;
}

const templateLink = (view, { template }) => {
  if (!template) return nothing;
  const there = { view: "templates", path: [template.template.id], query: { version: String(template.number) } };
  return html`<a href=${writeAddress(there)} @click=${view.app.to(there)}><bdi>${template.template.name}</bdi></a>, ${said.campaigns.version(template.number)}`;
};

/** For the overview: number, subject, time and version, state. */
export const mailingLines = (view) => html`<table class="campaign-plain"><tbody>${view.campaign.mailings.map((mailing) => html`<tr>
  <th scope="row">${mailing.number} · <bdi>${mailing.subject}</bdi><small>${when(mailing, view.campaign.kind)}${mailing.template ? html` · ${said.campaigns.version(mailing.template.number)}` : nothing}</small></th>
  <td class="campaign-n">${mailingState(view.campaign, mailing)}</td></tr>`)}</tbody></table>`;

function counts(view, mailing) {
  const { progress } = mailing;
  const { heads } = said.campaigns;
  const of = (name, value, query) => {
    const { href, follow } = view.linkTo("recipients", { ...query, mailing: String(mailing.number) });
    return html`<div><dt>${name}</dt><dd>${numberLink(value, href, follow)}</dd></div>`;
  };
  const { tracked } = view.campaign;
  return html`<dl class="campaign-counts">${of(said.campaigns.launched, launched(progress), { status: "launched" })}${of(heads.accepted, progress.accepted, { status: "accepted" })}
    ${tracked ? html`${of(heads.opened, progress.opened, { opened: true })}${of(heads.clicked, progress.clicked, { clicked: true })}` : html`<div><dt>${heads.opened}, ${heads.clicked}</dt><dd class="not">${said.campaigns.notTracked}</dd></div>`}
    ${progress.leftOut ? of(said.campaigns.audience.leftOut, progress.leftOut, { leftOut: "all" }) : nothing}</dl>`;
}

/** The tab: one box a mailing. */
export const mailingList = (view) => html`<ol class="campaign-stack campaign-mailings">${view.campaign.mailings.map((mailing) => html`<li class="campaign-box">
  <h2><span>${mailing.number} · <bdi>${mailing.subject}</bdi></span> <span class="campaign-mailing-state">${mailingState(view.campaign, mailing)}</span></h2>
  <p class="campaign-facts">${templateLink(view, mailing)} · ${when(mailing, view.campaign.kind)}${mailing.notOpened ? html` · ${said.campaigns.notOpened(mailing.notOpened.number)}` : nothing}</p>
  ${mailing.progress.total ? html`${progressBar(mailing.progress)}<p class="campaign-note">${doneOf(mailing.progress)}</p>${counts(view, mailing)}`
    : html`<p class="campaign-note">${said.campaigns.audience.notFrozen}</p>`}</li>`)}</ol>`;

