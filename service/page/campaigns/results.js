// What came of a campaign over time, and its links: read when the overview is shown, and again while it goes on.
import { drawnPlots } from "../plot.js";
import { said } from "../language.js";
import { bucketSince, growing, pausesOf } from "./timeline.js";
import { readResults } from "./queries.js";

/** Between two reads while the campaign changes: its counts are written down every three seconds. */
const RENEW_MS = 10_000;

export class CampaignResults {
  constructor(view, app) {
    this.view = view;
    this.app = app;
    /** `new`, `loading`, `ready` or `error`. */
    this.state = "new";
    this.links = null;
    this.grown = null;
    /** When it was paused, for the plot. */
    this.shades = [];
    this.read = app.guard(readResults);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  show() {
    if (this.state === "new" || this.state === "error") this.renew();
    else this.renewSoon();
  }

  /** Reads them again within some seconds; once for all changes until then. */
  renewSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (!document.hidden && this.view.tab === "overview") this.renew();
    }, RENEW_MS);
  }

  async renew() {
    const { campaign } = this.view;
    if (!campaign.launchedAt) return;
    if (this.state !== "ready") this.state = "loading";
    const bucket = bucketSince(campaign.launchedAt);
    try {
      const { timeline, links, history } = await this.read(campaign.id, bucket);
      const until = untilOf(campaign, timeline);
      this.links = links;
      this.grown = growing(timeline, bucket, { launchedAt: campaign.launchedAt, until });
      this.shades = pausesOf(history.nodes, until).map((span) => ({ ...span, label: said.campaigns.course.paused }));
      this.state = "ready";
    } catch (error) {
      if (error.name === "AbortError") return;
      this.error = error;
      if (this.state !== "ready") this.state = "error";
    }
    this.app.changed();
  }

  drawn(root) {
    drawnPlots(root);
  }
}

/** Now while it goes on; after its end the moment of the last thing that happened. */
function untilOf({ status, finishedAt }, timeline) {
  if (!["FINISHED", "CANCELLED"].includes(status)) return new Date().toISOString();
  return [finishedAt, timeline.at(-1)?.startsAt].filter(Boolean).toSorted((one, other) => new Date(one) - new Date(other)).at(-1) ?? new Date().toISOString();
}
