// The three tabs (ARIA authoring practices, tabs with automatic activation).
import { html, nothing } from "../vendor/lit-html/lit-html.js";

const TABS = [
  ["sent", "Campaign Emails Sent"],
  ["clicks", "Links Clicked"],
  ["notes", "Connection Notes"],
];
const STEP = { ArrowRight: 1, ArrowLeft: -1 };

function onKey(event, choose) {
  const order = TABS.map(([tab]) => tab);
  const here = order.indexOf(event.target.dataset.tab);
  let there = null;
  if (event.key in STEP) there = (here + STEP[event.key] + order.length) % order.length;
  if (event.key === "Home") there = 0;
  if (event.key === "End") there = order.length - 1;
  if (there === null) return;
  event.preventDefault();
  choose(order[there]);
  document.getElementById(`tab-${order[there]}`)?.focus();
}

/** `filtered` marks Links Clicked when it shows the links of one mail only. */
export const emailTabs = ({ tab, filtered, choose }) => html`<div
  role="tablist" aria-label="Emails" class="tabs" @keydown=${(event) => onKey(event, choose)}
>${TABS.map(([each, name]) => html`<button
    type="button" role="tab" id="tab-${each}" data-tab=${each} class="tab" aria-controls="panel"
    aria-selected=${each === tab ? "true" : "false"} tabindex=${each === tab ? 0 : -1} @click=${() => choose(each)}
  >${name}${each === "clicks" && filtered ? html`<span class="tab-mark" title="One mail only">1 mail</span>` : nothing}</button>`)}</div>`;
