// The three tabs (ARIA authoring practices, tabs with automatic activation).
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";

const TABS = ["sent", "clicks", "notes"];
const STEP = { ArrowRight: 1, ArrowLeft: -1 };

function onKey(event, choose) {
  const here = TABS.indexOf(event.target.dataset.tab);
  let there = null;
  if (event.key in STEP) there = (here + STEP[event.key] + TABS.length) % TABS.length;
  if (event.key === "Home") there = 0;
  if (event.key === "End") there = TABS.length - 1;
  if (there === null) return;
  event.preventDefault();
  choose(TABS[there]);
  document.getElementById(`tab-${TABS[there]}`)?.focus();
}

/** `filtered` marks Links Clicked when it shows the links of one mail only. */
export const emailTabs = ({ tab, filtered, choose }) => html`<div
  role="tablist" aria-label=${said.emails.heading} class="tabs" @keydown=${(event) => onKey(event, choose)}
>${TABS.map((each) => html`<button
    type="button" role="tab" id="tab-${each}" data-tab=${each} class="tab" aria-controls="panel"
    aria-selected=${each === tab ? "true" : "false"} tabindex=${each === tab ? 0 : -1} @click=${() => choose(each)}
  >${said.emails.tabs[each]}${each === "clicks" && filtered ? html`<span class="tab-mark" title=${said.emails.oneOnly}>${said.emails.one}</span>` : nothing}</button>`)}</div>`;
