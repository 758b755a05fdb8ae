// The launch: how many it goes to is counted when it is asked for, and again when it is confirmed.
import { html } from "../vendor/lit-html/lit-html.js";
import { reached, reasonsOf } from "./edit-checks.js";
import { shownMailings } from "./edit-draft.js";
import { launchCampaign } from "./edit-queries.js";
import { whenWords } from "./edit-mailings.js";
import { newKey } from "../idempotency-key.js";
import { said } from "../language.js";
import { focusPlan, plan } from "../plan.js";

export class Launching {
  constructor(editor) {
    this.editor = editor;
    /** `closed`, `counting`, `open` or `launching`. */
    this.state = "closed";
    this.audience = null;
    this.before = null;
    this.fault = null;
    this.key = newKey();
    this.focus = false;
  }

  get isOpen() {
    return this.state === "open" || this.state === "launching";
  }

  /** Counts anew and shows the plan, unless something stands in the way. */
  open = async () => {
    if (this.state !== "closed") return;
    this.before = null;
    this.fault = null;
    this.state = "counting";
    this.editor.app.changed();
    await this.recount();
    const stops = this.stops();
    if (!this.fault && stops) this.fault = said.edit.launch.notYet(stops.text);
    this.state = this.fault ? "closed" : "open";
    this.focus = this.state === "open";
    this.editor.app.changed();
  };

  stops() {
    return this.editor.checks.find(({ state }) => state === "stops");
  }

  /** Saves what waits, and reads whom it goes to now; `fault` says why that is not known. */
  async recount() {
    const { editor } = this;
    if (!(await editor.saver.flush())) {
      this.fault = said.edit.launch.notSaved(editor.saver.why);
    } else if (!(await editor.count())) {
      this.fault = said.edit.launch.notCounted(editor.countError?.message ?? "");
    }
    this.audience = reached(editor.draft, editor.previews);
  }

  /** Launches, if it still goes to as many as the plan says; else the plan says the new number. */
  confirm = async () => {
    const { editor } = this;
    const before = this.audience;
    this.state = "launching";
    this.fault = null;
    editor.app.changed();
    try {
      await this.recount();
      if (!this.fault && this.stops()) this.fault = said.edit.launch.notYet(this.stops().text);
      if (!this.fault && this.audience?.messages !== before?.messages) this.before = before;
      else if (!this.fault) return await this.launch();
    } catch (error) {
      this.fault = error.message || said.edit.launch.notLaunched;
    }
    this.state = "open";
    this.focus = true;
    return editor.app.changed();
  };

  async launch() {
    const { editor } = this;
    await editor.app.guard(launchCampaign)({ campaignId: editor.id, idempotencyKey: this.key });
    editor.app.announce(said.edit.launch.launched);
    editor.app.go({ view: "campaigns", path: [editor.id], query: {} }, { replace: true });
    document.getElementById("main")?.focus({ preventScroll: true });
  }

  back = () => {
    this.state = "closed";
    this.fault = null;
    this.editor.focusNext = "edit-launch";
    this.editor.app.changed();
  };

  drawn(root) {
    if (this.focus && focusPlan(root)) this.focus = false;
  }

  /** The lines of the plan: what has changed first, when it goes, who is left out. */
  lines() {
    const words = said.edit.launch;
    const { audience, before, editor } = this;
    const mailings = shownMailings(editor.draft);
    const shown = before ? [words.changed(audience?.messages ?? 0, before.messages, difference(before.leftOut, audience?.leftOut ?? []))] : [];
    shown.push(...mailings.map((each, place) => words.goes(whenWords(each), mailings.length > 1 ? place + 1 : null)));
    if (audience && mailings.length > 1) shown.push(words.inAll(audience.messages));
    if (audience?.leftOut.length) shown.push(words.leftOut(audience.leftOut.reduce((sum, each) => sum + each.recipients, 0), reasonsOf(audience.leftOut)));
    if (audience && !audience.exact) shown.push(words.atLeast);
    if (!audience) shown.push(editor.draft.kind === "EVENT_BASED" && !editor.draft.lists.length ? words.events : words.uncounted);
    for (const check of editor.checks.filter(({ state }) => state === "warns")) shown.push(html`${check.text}`);
    return shown.map((each) => html`<span class="plan-what plan-whole">${each}</span>`);
  }

  view() {
    const words = said.edit.launch;
    const people = this.audience?.people ?? null;
    return plan({
      id: "launch", heading: people === null ? words.headingUncounted : words.heading(people), lines: this.lines(),
      confirm: this.state === "launching" ? words.launching : people === null ? words.confirmUncounted : words.confirm(people),
      busy: this.state === "launching", fault: this.fault, act: this.confirm, back: this.back,
    });
  }

}

/** "4 opted out": how the reasons of being left out have grown; empty where none has. */
function difference(before, now) {
  const former = new Map(before.map(({ reason, recipients }) => [reason, recipients]));
  const more = now.map(({ reason, recipients }) => ({ reason, recipients: recipients - (former.get(reason) ?? 0) }));
  return reasonsOf(more.filter(({ recipients }) => recipients > 0));
}
