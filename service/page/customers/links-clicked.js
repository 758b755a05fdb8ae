// The second tab: the links that the customer clicked, in all mail or in the selected mail.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { dateAndTime } from "../moments.js";
import { notice, skeleton } from "../notices.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { words } from "../words.js";

/** A link that opens in a new tab; anything but http(s) is shown as text. */
function link(url) {
  const safe = URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
  if (!safe) return html`<span class="url" dir="ltr" title=${url}>${url}</span>`;
  return html`<a class="url open" dir="ltr" title=${url} href=${url} target="_blank" rel="noopener noreferrer"
    >${url}${icons.leaves}<span class="unseen"> ${said.emails.newTab}</span></a>`;
}

function classification(node, machines) {
  if (!machines && node.verdict === "HUMAN") return nothing;
  const reasons = node.reasons.map(words.hitReason).join("; ");
  return html`<span class="hit-verdict hit-verdict-${node.verdict.toLowerCase()}"><b>${words.hitVerdict(node.verdict)}</b>${
    reasons ? html` · ${reasons}` : nothing
  }</span>`;
}

const about = ({ campaignTitle, subject }) => [campaignTitle, subject ?? said.words.subjectErased].filter(Boolean).join(": ");

const row = ({ node, cursor, fresh }, index, { machines }) => html`<div
  role="row" aria-rowindex=${index + 1} data-cursor=${cursor} class="row click-row ${fresh ? "fresh" : ""}"
><div role="cell" class="cell when" data-label=${said.emails.heads.clicked}>${dateAndTime(node.clickedAt)}</div>
  <div role="cell" class="cell">${link(node.url)}${classification(node, machines)}</div>
  <div role="cell" class="cell about" data-label=${node.campaignTitle ? said.emails.heads.campaign : said.emails.heads.subject}><span class="subject" title=${about(node)}>${
    node.campaignTitle ? html`<span class="campaign" dir="auto">${node.campaignTitle}:</span> ` : nothing
  }<bdi>${node.subject ?? html`<i class="erased">${said.words.subjectErased}</i>`}</bdi></span></div>
</div>`;

/** The filters: the selected mail, and whether clicks by machines are shown. */
function filters({ selected, subject, clear, machines, setMachines }) {
  return html`<div class="filters">
    ${selected
      ? html`<span class="chip"><span class="chip-text">${said.emails.onlyIn(html`<bdi>${subject ?? said.emails.theSelected}</bdi>`)}</span>
          <button type="button" class="chip-clear" @click=${clear} aria-label=${said.emails.showAll} title=${said.emails.showAll}>${icons.close}</button></span>`
      : html`<span class="all">${said.emails.inAll}</span>`}
    <label class="switch"><input type="checkbox" role="switch" .checked=${machines}
      @change=${(event) => setMachines(event.target.checked)}><span>${said.emails.machines}</span></label>
  </div>`;
}

function rows(list, shown) {
  if (list.state === "loading" || list.state === "new") return skeleton();
  if (!list.count) {
    if (shown.selected && !shown.tracked) {
      return notice({ heading: said.emails.notTracked, text: said.emails.notTrackedWhy });
    }
    return notice({
      heading: shown.selected ? said.emails.noClickOfOne : said.emails.noClicks,
      text: shown.machines ? said.emails.noClicksAtAll : said.emails.machinesLeftOut,
    });
  }
  return html`<div role="table" class="table" aria-label=${said.emails.tabs.clicks} aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head click-row" aria-rowindex="1">
        <div role="columnheader">${said.emails.heads.clicked}</div><div role="columnheader">${said.emails.heads.url}</div>
        <div role="columnheader">${said.emails.heads.campaign}</div>
      </div></div>
      ${rowBlocks(list, (edge, index) => row(edge, index, shown))}
    </div>${listEnd(list)}`;
}

/** The list with its filters, which stay while rows are loading. */
export const linksClicked = (list, shown, broken = null) => html`${filters(shown)}${broken ?? rows(list, shown)}`;
