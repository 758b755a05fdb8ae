// The second tab: the links that the customer clicked, in all mail or in the selected mail.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { dateAndTime } from "../moments.js";
import { notice, skeleton } from "../notices.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { words } from "../words.js";

/** A link that opens in a new tab; anything but http(s) is shown as text. */
function link(url) {
  const safe = URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
  if (!safe) return html`<span class="url" dir="ltr" title=${url}>${url}</span>`;
  return html`<a class="url open" dir="ltr" title=${url} href=${url} target="_blank" rel="noopener noreferrer"
    >${url}${icons.leaves}<span class="unseen"> (opens in a new tab)</span></a>`;
}

function classification(node, machines) {
  if (!machines && node.verdict === "HUMAN") return nothing;
  const reasons = node.reasons.map(words.hitReason).join("; ");
  return html`<span class="hit-verdict hit-verdict-${node.verdict.toLowerCase()}"><b>${words.hitVerdict(node.verdict)}</b>${
    reasons ? html` · ${reasons}` : nothing
  }</span>`;
}

const about = ({ campaignTitle, subject }) => [campaignTitle, subject ?? "subject erased"].filter(Boolean).join(": ");

const row = ({ node, cursor, fresh }, index, { machines }) => html`<div
  role="row" aria-rowindex=${index + 1} data-cursor=${cursor} class="row click-row ${fresh ? "fresh" : ""}"
><div role="cell" class="cell when" data-label="Clicked">${dateAndTime(node.clickedAt)}</div>
  <div role="cell" class="cell">${link(node.url)}${classification(node, machines)}</div>
  <div role="cell" class="cell about" data-label=${node.campaignTitle ? "Campaign: Subject" : "Subject"}><span class="subject" title=${about(node)}>${
    node.campaignTitle ? html`<span class="campaign" dir="auto">${node.campaignTitle}:</span> ` : nothing
  }<bdi>${node.subject ?? html`<i class="erased">subject erased</i>`}</bdi></span></div>
</div>`;

/** The filters: the selected mail, and whether clicks by machines are shown. */
function filters({ selected, subject, clear, machines, setMachines }) {
  return html`<div class="filters">
    ${selected
      ? html`<span class="chip"><span class="chip-text">Only links in <bdi>${subject ?? "the selected mail"}</bdi></span>
          <button type="button" class="chip-clear" @click=${clear} aria-label="Show the links of all mail" title="Show the links of all mail">${icons.close}</button></span>`
      : html`<span class="all">Links in all mail, campaign and individual</span>`}
    <label class="switch"><input type="checkbox" role="switch" .checked=${machines}
      @change=${(event) => setMachines(event.target.checked)}><span>Show machines, too</span></label>
  </div>`;
}

function rows(list, shown) {
  if (list.state === "loading" || list.state === "new") return skeleton();
  if (!list.count) {
    if (shown.selected && !shown.tracked) {
      return notice({ heading: "Not tracked", text: "The links of this mail lead straight to their pages: nobody knows who followed them." });
    }
    return notice({
      heading: shown.selected ? "No link of this mail was clicked" : "No links clicked yet",
      text: shown.machines
        ? "Neither people nor machines have followed a link."
        : "Clicks of link scanners and other machines are left out; the switch above shows them.",
    });
  }
  return html`<div role="table" class="table" aria-label="Links clicked" aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head click-row" aria-rowindex="1">
        <div role="columnheader">Clicked</div><div role="columnheader">URL</div>
        <div role="columnheader">Campaign: Subject</div>
      </div></div>
      ${rowBlocks(list, (edge, index) => row(edge, index, shown))}
    </div>${listEnd(list)}`;
}

/** The list with its filters, which stay while rows are loading. */
export const linksClicked = (list, shown, broken = null) => html`${filters(shown)}${broken ?? rows(list, shown)}`;
