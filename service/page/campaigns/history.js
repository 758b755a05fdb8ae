// The changes of a campaign, newest first: what, when and by whom, in a sentence each.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, skeleton } from "../notices.js";
import { PagedList } from "../paged-list.js";
import { listEnd, rowBlocks } from "../row-blocks.js";
import { words } from "../words.js";
import { number } from "../numbers.js";
import { readHistory } from "./queries.js";

/** Characters of one value in a change. */
const LONGEST_VALUE = 200;
/** Between two reads while the campaign changes. */
const RENEW_MS = 3_000;

/** A value of a change on one line. */
function valueOf(value) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return said.campaigns.history.nothing;
  if (typeof value === "boolean") return value ? said.campaigns.history.yes : said.campaigns.history.no;
  const text = Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** What was changed: each field with what it was and what it is. */
export function changesOf(detail) {
  return Object.entries(detail ?? {}).filter(([, value]) => value && typeof value === "object" && "is" in value)
    .map(([name, { was, is }]) => ({ name: said.campaigns.fields[name] ?? name, was: valueOf(was), is: valueOf(is) }));
}

/** Further sentences about an action. */
export function detailOf(action, detail) {
  const { history: told } = said.campaigns;
  const { recipients, done, skipped, onTheWire, copyOf, list, mailing, statuses, uncertain } = detail ?? {};
  if (action === "pauseCampaign" && onTheWire !== undefined) return told.onTheWire(onTheWire);
  if (action === "retryCampaign") return [told.about(number(recipients ?? 0)), statuses?.map((status) => words.statusShort(status)).join(", ")].filter(Boolean).join(": ");
  if (action === "settleCampaign") return `${told.about(number(recipients ?? 0))}: ${uncertain === "RETRY" ? told.settledByRetry : told.settledAsSent}`;
  if (action === "carriedOut") return told.carriedOut(number(done ?? 0), skipped ?? 0);
  if (action === "copyCampaign" && copyOf) return told.copyOf(copyOf);
  if (action === "deleteList" && list) return list;
  if (/Mailing$/.test(action) && mailing) return told.mailing(mailing.number ?? mailing, mailing.subject ?? mailing.template ?? "");
  return "";
}

export class CampaignHistory {
  constructor(page, app) {
    this.page = page;
    this.app = app;
    this.list = new PagedList(app.guard((window, options) => readHistory(page.id, window, options)), () => app.changed());
  }

  leave() {
    clearTimeout(this.timer);
    this.list.reset();
  }

  show() {
    if (this.list.state === "new") this.list.open();
    else this.list.refresh({ hold: false }).catch(() => {});
  }

  resume() {
    this.list.retry();
    this.show();
  }

  /** The campaign has changed: its history may have, too. Asked once for all changes of some seconds. */
  changed() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (this.page.tab === "history") this.list.refresh({ hold: false }).catch(() => {});
    }, RENEW_MS);
  }

  row = ({ node: { action, occurredAt, by, detail } }) => {
    const more = detailOf(action, detail);
    return html`<div role="listitem" class="campaign-event"><span class="campaign-event-when">${moment(occurredAt)}</span>
      <span class="campaign-event-what"><b>${said.campaigns.events[action] ?? action}</b>${more ? html` <bdi>${more}</bdi>` : nothing}
        ${changesOf(detail).map(({ name, was, is }) => html`<small>${name}: <bdi>${was}</bdi> → <bdi>${is}</bdi></small>`)}</span>
      <span class="campaign-event-who"><bdi>${by === "gateway" ? said.campaigns.history.itself : by}</bdi></span></div>`;
  };

  view() {
    const { list } = this;
    if (list.state === "error") return failure(list.error, () => list.open());
    if (list.state !== "ready") return skeleton();
    return html`<div class="campaign-box campaign-events" role="list" aria-label=${said.campaigns.parts.history}>${rowBlocks(list, this.row, "presentation")}</div>${listEnd(list)}`;
  }
}
