// The campaigns: their list, one campaign, and the editor of a draft. Each is loaded when it is opened.
import { withWords } from "../language.js";

export async function open(place, app) {
  const [first, second] = place.path;
  if (first === "new" || second === "edit") {
    const editor = await withWords(import("./edit.js"), "edit", "lists");
    return editor.open(place, app);
  }
  if (first) {
    const { OneCampaign } = await withWords(import("./one-campaign.js"), "campaigns", "plot");
    return new OneCampaign(place, app);
  }
  const { CampaignList } = await withWords(import("./campaign-list.js"), "campaigns");
  return new CampaignList(place, app);
}
