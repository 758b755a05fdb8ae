// The campaigns: their list, one campaign, and the editor of a draft.
import { failure, skeleton } from "../notices.js";
import { said } from "../language.js";
import { CampaignList } from "./campaign-list.js";
import { OneCampaign } from "./one-campaign.js";

const isEditor = ({ view, path }) => view === "campaigns" && (path[0] === "new" || path[1] === "edit");

export function open(place, app) {
  if (isEditor(place)) return new Editor(place, app);
  return place.path.length ? new OneCampaign(place, app) : new CampaignList(place, app);
}

/** The editor's module is loaded when it is opened; until then this stands for its view. */
class Editor {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.load();
  }

  async load() {
    this.error = null;
    try {
      const { open: made } = await import("./edit.js");
      if (this.left) return;
      this.editor = made(this.place, this.app);
      this.editor.arrive?.(this.place, this.options);
    } catch (error) {
      this.error = error;
    }
    this.app.changed();
  }

  get title() {
    return this.editor?.title ?? said.campaigns.newCampaign;
  }

  shows(place) {
    return isEditor(place) && (this.editor ? this.editor.shows(place) : place.path.join("/") === this.place.path.join("/"));
  }

  arrive(place, options) {
    [this.place, this.options] = [place, options];
    this.editor?.arrive?.(place, options);
  }

  leave() {
    this.left = true;
    this.editor?.leave?.();
  }

  resume() {
    if (this.editor) this.editor.resume?.();
    else if (this.error) this.load();
  }

  actions() {
    return this.editor?.actions?.() ?? [];
  }

  view() {
    if (this.editor) return this.editor.view();
    return this.error ? failure(this.error, () => this.load()) : skeleton();
  }

  drawn(root) {
    this.editor?.drawn?.(root);
  }
}
