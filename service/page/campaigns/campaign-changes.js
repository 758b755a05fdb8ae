// Keeps one campaign up to date: by subscription, or by asking while there is no connection.
import { LiveChanges } from "../customers/live-changes.js";
import { subscribeToCampaign } from "./queries.js";

export class CampaignChanges extends LiveChanges {
  /** `onCampaign(campaign)` gets what has changed; `ask()` is called where it has to be asked for; `changed()` redraws. */
  constructor(id, { onCampaign, ask, changed }) {
    // Its superclass connects.
    super(id, { onNews: (news) => (news instanceof Set ? ask() : onCampaign(news)), changed });
  }

  connect() {
    this.unsubscribe = subscribeToCampaign(this.customerId, {
      onOpen: () => this.opened(),
      onCampaign: (campaign) => this.onNews(campaign),
      onEnd: () => this.lost(),
    });
  }
}
