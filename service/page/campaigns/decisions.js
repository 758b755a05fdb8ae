// What can be done about a campaign: at once where it can be taken back, else by a plan that names its counts first.
import { nothing } from "../vendor/lit-html/lit-html.js";
import { newKey } from "../idempotency-key.js";
import { said } from "../language.js";
import { campaignPlace } from "../place-link.js";
import { focusPlan } from "../plan.js";
import { PLANS } from "./plans.js";
import { decide } from "./queries.js";

/** Characters of a title, as the API keeps it. */
const LONGEST_TITLE = 200;

export class Decisions {
  constructor(view, app) {
    this.view = view;
    this.app = app;
    /** The plan that is open: `{ kind, at, given, counts, fault }`; null for none. */
    this.asked = null;
    this.fault = null;
    this.acting = false;
    this.focus = false;
    this.decide = app.guard(decide);
  }

  get campaign() {
    return this.view.campaign;
  }

  can(action) {
    return this.campaign.actions.includes(action) && !this.app.readOnly;
  }

  /** The buttons of the head, the first one is what is most likely wanted. */
  inHead() {
    const { buttons } = said.campaigns;
    const edit = { view: "campaigns", path: [this.view.id, "edit"], query: {} };
    return [
      this.campaign.status === "DRAFT" && this.can("UPDATE") && { name: buttons.edit, primary: true, link: { href: `/campaigns/${encodeURIComponent(this.view.id)}/edit`, follow: this.app.to(edit) } },
      this.can("PAUSE") && { name: buttons.pause, run: () => this.pause() },
      this.can("RESUME") && { name: buttons.resume, primary: true, run: () => this.resume() },
    ].filter(Boolean);
  }

  inMenu() {
    const { buttons } = said.campaigns;
    const { archivedAt, status } = this.campaign;
    if (this.app.readOnly) return [];
    return [
      { name: buttons.copy, run: () => this.copy() },
      this.can("ARCHIVE") && { name: archivedAt ? buttons.bringBack : buttons.archive, run: () => this.archive(!archivedAt) },
      this.can("CANCEL") && status !== "DRAFT" && { name: buttons.cancel, run: () => this.ask("cancel", "head") },
      this.can("DELETE") && { name: buttons.delete, run: () => this.ask("delete", "head") },
    ].filter(Boolean);
  }

  forPalette() {
    return [...this.inHead().filter(({ run }) => run), ...this.inMenu()].map(({ name, run }) => ({ name: name.replace(/…$/, ""), run }));
  }

  /** Opens a plan at a place of the page; `given` is what it is about. Its counts are read first, where it has any. */
  async ask(kind, at, given = {}) {
    const asked = { kind, at, given, key: newKey(), counts: null, fault: null, choice: "ASSUME_SENT" };
    [this.asked, this.fault, this.focus] = [asked, null, true];
    this.app.changed();
    await this.count(asked);
  }

  async count(asked) {
    if (!PLANS[asked.kind].count) return;
    try {
      asked.counts = await this.app.guard(PLANS[asked.kind].count)(this.campaign, asked.given);
    } catch (error) {
      asked.fault = error.message || said.campaigns.notCounted;
    }
    if (this.asked === asked) this.focus = true;
    this.app.changed();
  }

  /** Another way of settling. */
  choose(choice) {
    this.asked.choice = choice;
    this.app.changed();
  }

  leave = () => {
    this.asked = null;
    this.fault = null;
    this.app.changed();
  };

  /** The plan that is open at this place; nothing when there is none. */
  planAt(at) {
    return this.asked?.at === at ? PLANS[this.asked.kind].panel(this) : nothing;
  }

  /** Does what the plan says. */
  confirm = async () => {
    const { asked } = this;
    const payload = await this.act(asked.kind, PLANS[asked.kind].input(this), asked);
    if (!payload) return;
    this.asked = null;
    this.focusHead = true;
    // It cannot be taken back: the line only says it.
    this.app.undoable(PLANS[asked.kind].done(payload, asked));
    if (asked.kind === "delete") {
      this.app.go({ view: "campaigns", path: [], query: { state: "drafts" } }, { replace: true });
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    this.app.changed();
  };

  /** Runs one mutation; returns its payload, or null where it was refused, which is shown. */
  async act(action, input, asked = null) {
    if (this.acting) return null;
    [this.acting, this.fault] = [true, null];
    if (asked) asked.fault = null;
    this.app.changed();
    try {
      const payload = await this.decide(action, input);
      if (payload.campaign && action !== "copy") this.view.take(payload.campaign);
      return payload;
    } catch (error) {
      this.fault = error.message || said.campaigns.notDone;
      if (asked) await this.refused(asked, error);
      return null;
    } finally {
      this.acting = false;
      this.app.changed();
    }
  }

  /** Another number than the plan said: it is counted again, and says so. */
  async refused(asked, error) {
    if (error.userErrors?.some(({ code }) => code === "CONFLICT")) {
      asked.key = newKey();
      await this.count(asked);
    }
    asked.fault = this.fault;
  }

  async pause() {
    const payload = await this.act("pause", { campaignId: this.view.id });
    if (payload) this.app.undoable(said.campaigns.paused(payload.campaign.progress.onTheWire), () => this.reverse("resume", { campaignId: this.view.id }));
  }

  async resume() {
    const payload = await this.act("resume", { campaignId: this.view.id });
    if (payload) this.app.undoable(said.campaigns.resumed, () => this.reverse("pause", { campaignId: this.view.id }));
  }

  async archive(archived) {
    const payload = await this.act("archive", { campaignId: this.view.id, archived });
    if (payload) this.app.undoable(archived ? said.campaigns.archived : said.campaigns.broughtBack, () => this.reverse("archive", { campaignId: this.view.id, archived: !archived }));
  }

  async setPriority(priority) {
    const before = this.campaign.priority;
    const payload = await this.act("update", { campaignId: this.view.id, priority });
    if (payload) this.app.undoable(said.campaigns.prioritySet(priority), () => this.reverse("update", { campaignId: this.view.id, priority: before }));
  }

  async copy() {
    const title = said.campaigns.copyOf(this.campaign.title).slice(0, LONGEST_TITLE);
    const payload = await this.act("copy", { campaignId: this.view.id, title, idempotencyKey: newKey() });
    if (!payload) return;
    const { id } = payload.campaign;
    // An editor of it would be about nothing.
    const instead = () => (this.app.place?.path?.[0] === id ? campaignPlace(this.view.id) : null);
    this.app.undoable(said.campaigns.copied(title), () => this.decide("delete", { campaignId: id }), instead);
    this.app.go({ view: "campaigns", path: [id, "edit"], query: {} });
  }

  /** Takes an action back. Throws Refused. */
  async reverse(action, input) {
    const payload = await this.decide(action, input);
    if (payload.campaign) this.view.take(payload.campaign);
  }

  /** After each rendering: the plan that opened, or what was done, has the focus. */
  drawn(root) {
    if (this.focus && focusPlan(root)) this.focus = false;
    if (this.focusHead) {
      this.focusHead = false;
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }
}

