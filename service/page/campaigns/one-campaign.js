// One campaign: its tabs over what became of its recipients, and what can be done about it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { drawnTabs, linkTabs } from "../link-tabs.js";
import { failure, notice, skeleton } from "../notices.js";
import { watchBlocks } from "../row-blocks.js";
import { CampaignChanges } from "./campaign-changes.js";
import { campaignHead } from "./campaign-head.js";
import { Decisions } from "./decisions.js";
import { CampaignHistory } from "./history.js";
import { CampaignLinks } from "./links.js";
import { mailingList } from "./mailings.js";
import { overview } from "./overview.js";
import { readCampaign } from "./queries.js";
import { CampaignRecipients } from "./recipients.js";
import { CampaignResults } from "./results.js";

/** The tabs by the second part of the path; the overview has none. */
const TABS = ["overview", "recipients", "links", "mailings", "history"];

export class OneCampaign {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    [this.id] = place.path;
    this.campaign = null;
    this.state = "loading";
    this.error = null;
    this.read = app.guard(readCampaign);
    this.decisions = new Decisions(this, app);
    this.results = new CampaignResults(this, app);
    this.parts = { recipients: new CampaignRecipients(this, app), links: new CampaignLinks(this, app), history: new CampaignHistory(this, app) };
    this.ask();
  }

  get title() {
    return this.campaign?.title ?? said.campaigns.one;
  }

  get tab() {
    return TABS.includes(this.place.path[1] ?? "overview") && this.place.path.length <= 2 ? (this.place.path[1] ?? "overview") : null;
  }

  shows(place) {
    return place.view === "campaigns" && place.path[0] === this.id && place.path[1] !== "edit";
  }

  leave() {
    this.left = true;
    this.live?.stop();
    this.results.stop();
    for (const part of Object.values(this.parts)) part.leave();
  }

  arrive(place, options) {
    const turned = place.path[1] !== this.place.path[1];
    this.place = place;
    if (turned) this.decisions.leave();
    if (this.campaign) this.showTab(options);
  }

  /** What the current tab needs is read, or read again. */
  showTab(options) {
    this.parts[this.tab]?.show(this.place, options);
    if (this.tab === "overview") this.results.show();
    this.app.changed();
  }

  resume() {
    this.ask();
    if (this.campaign) {
      this.parts[this.tab]?.resume();
      if (this.tab === "overview") this.results.renew();
    }
  }

  /** Reads the campaign; the first time its tab, too, and from then on its changes. */
  async ask() {
    const first = !this.campaign;
    try {
      const found = await this.read(this.id);
      this.campaign = found ?? null;
      this.state = found ? "ready" : "unknown";
    } catch (error) {
      if (first) [this.state, this.error] = ["error", error];
    }
    // It may come after the view was left: nobody would end the subscription.
    if (this.campaign && first && !this.left) {
      this.follow();
      this.showTab();
    }
    this.app.changed();
  }

  follow() {
    this.live ??= new CampaignChanges(this.id, {
      onCampaign: (campaign) => this.take(campaign), ask: () => this.ask(), changed: () => this.app.changed(),
    });
  }

  /** Takes what has changed; what a mailing was set up with stays. */
  take(changed) {
    if (!this.campaign || changed?.id !== this.id) return;
    const known = new Map(this.campaign.mailings.map((mailing) => [mailing.id, mailing]));
    const finished = changed.status !== this.campaign.status;
    this.campaign = { ...this.campaign, ...changed, mailings: changed.mailings.map((mailing) => ({ ...known.get(mailing.id), ...mailing })) };
    if (finished) this.app.announce(said.campaigns.isNow(said.campaigns.states[changed.status]));
    if (changed.mailings.some(({ id }) => !known.has(id))) this.ask();
    this.parts[this.tab]?.changed?.();
    if (this.tab === "overview") this.results.renewSoon();
    this.app.changed();
  }

  /** The place of a tab of this campaign, with a query. */
  placeOf(tab, query = {}) {
    return { view: "campaigns", path: tab === "overview" ? [this.id] : [this.id, tab], query };
  }

  /** `href` and `@click` of a link to a tab. */
  linkTo(tab, query) {
    const there = this.placeOf(tab, query);
    return { href: writeAddress(there), follow: this.app.to(there) };
  }

  actions() {
    return this.campaign ? this.decisions.forPalette() : [];
  }

  tabs() {
    const { campaign } = this;
    const counts = {
      recipients: campaign.progress.total || null, links: this.results.links?.length ?? null, mailings: campaign.mailings.length,
    };
    return linkTabs({
      label: said.campaigns.one,
      tabs: TABS.map((tab) => ({ ...this.linkTo(tab), text: said.campaigns.parts[tab], count: counts[tab] ?? null, current: tab === this.tab })),
    });
  }

  body() {
    if (this.tab === "overview") return overview(this);
    if (this.tab === "mailings") return mailingList(this);
    return this.parts[this.tab].view();
  }

  view() {
    const list = { view: "campaigns", path: [], query: {} };
    const back = html`<a class="campaign-back" href=${writeAddress(list)} @click=${this.app.to(list)}>${icons.back}${said.shell.views.campaigns}</a>`;
    if (this.state === "error" && !this.campaign) return html`${back}${failure(this.error, () => this.ask())}`;
    if (this.state === "unknown" || !this.tab) {
      const { unknown } = said.campaigns;
      return html`${back}${notice({ level: 1, heading: this.tab ? unknown.campaign : unknown.page, text: unknown.why })}`;
    }
    if (!this.campaign) return html`${back}${skeleton()}`;
    return html`${back}${campaignHead(this)}${this.tabs()}
      <div class="campaign-body">${this.body()}</div>${this.tab === "recipients" ? this.parts.recipients.sheet.view() : nothing}`;
  }

  drawn(root) {
    drawnTabs(root);
    watchBlocks(root);
    this.decisions.drawn(root);
    if (this.campaign) {
      this.parts.recipients.drawn(root);
      if (this.tab === "overview") this.results.drawn(root);
    }
  }
}
