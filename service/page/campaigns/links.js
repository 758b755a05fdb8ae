// The links of a campaign: where they lead, by how many people and how often they were followed.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { failure, notice, skeleton } from "../notices.js";
import { number } from "../numbers.js";
import { isOneHost, shortUrl } from "./figures.js";
import { readLinks } from "./queries.js";

/** A table of links; `all` decides whether hosts tell them apart. */
export function linkTable(links, all = links) {
  const { heads } = said.campaigns;
  const alone = isOneHost(all);
  return html`<table class="campaign-plain campaign-links"><thead><tr><th>${heads.link}</th><th class="campaign-n">${heads.people}</th><th class="campaign-n">${heads.clicks}</th></tr></thead>
    <tbody>${links.map(({ url, people, clicks }) => html`<tr><td><a href=${/^https?:/i.test(url) && !url.includes("{{") ? url : nothing} title=${url} rel="noreferrer noopener" target="_blank" dir="ltr">${shortUrl(url, alone)}</a></td>
      <td class="campaign-n">${number(people)}</td><td class="campaign-n">${number(clicks)}</td></tr>`)}</tbody></table>`;
}

/** Chips that choose one mailing, where there are several. `query` are the other filters, which stay. */
export function mailingChips(view, tab, query, current) {
  const { mailings } = view.campaign;
  if (mailings.length < 2) return nothing;
  const { mailing: _, ...rest } = query;
  const chip = (text, number_, title) => {
    const { href, follow } = view.linkTo(tab, number_ ? { ...rest, mailing: String(number_) } : rest);
    return html`<a class="campaign-chip" href=${href} title=${title ?? nothing} aria-current=${(number_ ?? null) === current ? "true" : nothing} @click=${follow}>${text}</a>`;
  };
  return html`<nav class="campaign-chips" aria-label=${said.campaigns.parts.mailings}>${chip(said.campaigns.allMailings)}${
    mailings.map((each) => chip(said.campaigns.mailingNumber(each.number), each.number, each.subject))}</nav>`;
}

export class CampaignLinks {
  constructor(page, app) {
    this.page = page;
    this.app = app;
    this.state = "new";
    this.links = [];
    this.mailing = undefined;
    this.read = app.guard(readLinks);
  }

  leave() {
    this.stop?.abort();
  }

  show(place) {
    const mailing = /^[1-9]\d{0,3}$/.test(place.query.mailing ?? "") ? Number(place.query.mailing) : null;
    if (mailing === this.mailing && this.state === "ready") return;
    this.mailing = mailing;
    this.ask();
  }

  resume() {
    this.ask();
  }

  async ask() {
    this.stop?.abort();
    const stop = (this.stop = new AbortController());
    if (this.state !== "ready") this.state = "loading";
    this.app.changed();
    const of = this.page.campaign.mailings.find(({ number: each }) => each === this.mailing)?.id ?? null;
    try {
      const found = await this.read(this.page.id, of, { signal: stop.signal });
      [this.links, this.state] = [found, "ready"];
    } catch (error) {
      if (stop.signal.aborted) return;
      [this.state, this.error] = ["error", error];
    }
    this.app.changed();
  }

  body() {
    if (this.state === "error") return failure(this.error, () => this.ask());
    if (this.state !== "ready") return skeleton(4);
    const { tracked } = this.page.campaign;
    if (!this.links.length) return notice({ heading: said.campaigns.none.links, text: tracked ? said.campaigns.none.linksWhy : said.campaigns.none.linksUntracked });
    return html`<section class="campaign-box">${linkTable(this.links)}</section><p class="campaign-note">${said.campaigns.linksCountPeople}</p>`;
  }

  view() {
    return html`${mailingChips(this.page, "links", {}, this.mailing ?? null)}${this.body()}`;
  }
}
