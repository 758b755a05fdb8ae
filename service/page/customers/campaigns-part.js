// What campaigns will still send a customer, sent them, and left them out of.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { messagePlace, placeLink } from "../place-link.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { words } from "../words.js";
import { readCampaigns, readUpcoming } from "./part-queries.js";

/** What became of one recipient. */
function outcome(app, { status, leftOut, message }) {
  if (leftOut) return html`<span class="not">${said.customers.parts.leftOut}: ${said.customers.parts.leftOutWhy[leftOut] ?? leftOut}</span>`;
  const text = words.statusShort(status);
  return message ? placeLink(app, messagePlace(message.id), text) : text;
}

const mailing = (app, { mailing: { subject, campaign } }) => html`<span class="campaign">${placeLink(app, { view: "campaigns", path: [campaign.id], query: {} }, html`<bdi>${campaign.title}</bdi>`)}</span>
  <span class="person-subject"><bdi>${subject}</bdi></span>`;

export class CampaignsPart {
  constructor(page) {
    this.page = page;
    const { app, customer } = page;
    this.list = new PagedList(app.guard((wanted, options) => readCampaigns(customer.id, wanted, options)), () => app.changed());
    this.readUpcoming = app.guard(readUpcoming);
    /** `{ rows, more }`, null while it is read. */
    this.upcoming = null;
    this.error = null;
    this.list.open();
    this.look();
  }

  leave() {
    this.list.reset();
  }

  resume() {
    this.list.retry();
    this.look();
  }

  look = async () => {
    this.error = null;
    try {
      this.upcoming = await this.readUpcoming(this.page.customer.id);
    } catch (error) {
      this.error = error;
    }
    this.page.app.changed();
  };

  row = ({ node, cursor }, index) => html`<div role="row" aria-rowindex=${index + 1} data-cursor=${cursor ?? nothing} class="row person-row person-campaign-row">
    <div role="cell">${mailing(this.page.app, node)}</div>
    <div role="cell">${outcome(this.page.app, node)}</div>
    <div role="cell" class="when">${moment(node.message?.sentAt ?? node.message?.occurredAt ?? node.dueAt)}</div>
  </div>`;

  table(label, heads, rows) {
    return html`<div role="table" class="table" aria-label=${label} aria-rowcount="-1">
      <div role="rowgroup" class="heads"><div role="row" class="row head person-row person-campaign-row" aria-rowindex="1">${heads.map((head) => html`<div role="columnheader">${head}</div>`)}</div></div>
      ${rows}</div>`;
  }

  toCome() {
    if (this.error) return failure(this.error, this.look);
    if (!this.upcoming) return skeleton(2);
    const { rows, more } = this.upcoming;
    if (!rows.length) return html`<p class="hint">${said.customers.parts.nothingToCome}</p>`;
    return html`${this.table(said.customers.parts.toCome, said.customers.parts.toComeHeads,
      html`<div class="block" role="rowgroup">${rows.map((node, index) => this.row({ node, cursor: null }, index + 1))}</div>`)}
      ${more ? html`<p class="hint">${said.customers.parts.moreToCome}</p>` : nothing}`;
  }

  got() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton(4);
    if (!list.count) return notice({ heading: said.customers.parts.noCampaigns, text: said.customers.parts.noCampaignsWhy });
    return html`${this.table(said.customers.parts.got, said.customers.parts.gotHeads, rowBlocks(list, this.row))}${listEnd(list)}`;
  }

  view() {
    return html`<h2 class="person-head">${said.customers.parts.toCome}</h2>${this.toCome()}
      <h2 class="person-head">${said.customers.parts.got}</h2>${this.got()}`;
  }
}
