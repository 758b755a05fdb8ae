// One message: its head, and two tabs below it. In the popover of the info icon, and as a page of its own.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { contentTab } from "./content-tab.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { pageOf } from "./info-sheet.js";
import { failure, notice, skeleton } from "../notices.js";
import { outcomeTab } from "./outcome-tab.js";
import { statusHeading } from "./status-heading.js";
import { hintClass, statusShape } from "../status-icon.js";

const STEP = { ArrowRight: 1, ArrowLeft: -1 };
const TABS = ["outcome", "content"];

function onTabKey(event, sheet) {
  if (!(event.key in STEP)) return;
  event.preventDefault();
  const there = TABS[(TABS.indexOf(sheet.tab) + STEP[event.key] + TABS.length) % TABS.length];
  sheet.showTab(there);
  document.getElementById(`info-tab-${there}`)?.focus();
}

/** The two tabs; of received mail the first is what was written. */
function tabs(sheet) {
  const name = (tab) => (tab === "outcome" && sheet.message.direction === "RECEIVED" ? said.message.tabs.reply : said.message.tabs[tab]);
  return html`<div role="tablist" aria-label=${said.message.message} class="tabs info-tabs" @keydown=${(event) => onTabKey(event, sheet)}>${
    TABS.map((each) => html`<button type="button" role="tab" id="info-tab-${each}" class="tab" aria-controls="info-panel"
      aria-selected=${each === sheet.tab ? "true" : "false"} tabindex=${each === sheet.tab ? 0 : -1} @click=${() => sheet.showTab(each)}>${name(each)}</button>`)}</div>`;
}

/** Without a message: its heading, the dialog's accessible name, is then hidden. */
const withoutMessage = (instead, level) => html`${level === 1
  ? html`<h1 id="info-heading" tabindex="-1" class="unseen">${said.message.message}</h1>`
  : html`<h2 id="info-heading" tabindex="-1" class="unseen">${said.message.message}</h2>`}<div class="info-body">${instead}</div>`;

function head(sheet, level) {
  const { message } = sheet;
  const words = statusHeading(message);
  const customer = { view: "emails", customer: message.customer.id };
  return html`<header class="info-head">
    <div class="info-status ${hintClass(message.info.colorHint)}">${statusShape(message.info)}
      ${level === 1 ? html`<h1 id="info-heading" tabindex="-1">${words}</h1>` : html`<h2 id="info-heading" tabindex="-1">${words}</h2>`}</div>
    <p class="info-subject"><bdi>${message.subject ?? html`<i class="erased">${said.message.subjectErased}</i>`}</bdi></p>
    <p class="info-customer"><a href=${writeAddress(customer)} @click=${sheet.app.to?.(customer)}><bdi>${message.customer.name ?? message.customer.externalRef}</bdi></a></p>
  </header>`;
}

/** Head, tabs and the open tab; `level` is that of the heading: 1 on a page of its own. */
export function messageParts(sheet, level = 2) {
  if (sheet.state === "error") return withoutMessage(failure(sheet.error, () => sheet.read()), level);
  if (sheet.gone) return withoutMessage(notice(said.message.none), level);
  if (!sheet.message) return withoutMessage(skeleton(6), level);
  return html`${head(sheet, level)}${tabs(sheet)}
    <div id="info-panel" role="tabpanel" aria-labelledby="info-tab-${sheet.tab}" tabindex="-1"
      class="info-body ${sheet.tab === "content" ? "whole" : ""}" aria-busy=${sheet.state === "loading" ? "true" : "false"}>${
      level === 1 ? html`<h2 class="unseen">${said.message.tabs[sheet.tab]}</h2>` : nothing}${
      sheet.tab === "content" ? contentTab(sheet) : outcomeTab(sheet)}</div>`;
}

export const copyLink = (sheet) => html`<button type="button" class="button quiet" title=${said.message.copyLinkTitle} @click=${sheet.copyLink}>${
  sheet.copied === "copied" ? icons.check : icons.link}<span class="info-word">${sheet.copied === "copied" ? said.message.copied : said.message.copyLink}</span></button>${
  sheet.copied === "refused" ? html`<p class="fault" role="alert">${said.message.linkNotCopied}</p>` : nothing}`;
