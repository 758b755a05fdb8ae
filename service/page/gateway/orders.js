// A person's orders to relays, destinations and lanes: the open panel, what was typed, and what came of it.
import { Offline, SignedOut } from "../errors.js";

/** Names of the API for the orders of each kind, and how it names its object. */
const API = {
  relay: { pause: "pauseRelay", resume: "resumeRelay", limits: "setRelayLimit", key: "name" },
  destination: { pause: "pauseDestination", resume: "resumeDestination", limits: "setDestinationLimit", key: "domain" },
  lane: { pause: "pauseLane", resume: "resumeLane", key: "lane" },
};
/** Limits in the order of the form; a relay's connections are RELAY_URL's. */
export const FIELDS = { relay: ["perMinute", "perDay", "warmUpStart", "warmUpFactor"], destination: ["perMinute", "perDay", "connections", "warmUpStart", "warmUpFactor"] };
/** By which a warm-up grows when nothing is said. */
const USUAL_FACTOR = 2;

/** The limits of a relay or domain as a form has them: texts, empty for none. A rate is kept as the time between two. */
export const typedOf = (kind, one) =>
  Object.fromEntries(FIELDS[kind].map((field) => [field, one?.[field] == null ? "" : String(Math.round(one[field] * 100) / 100)]));

/** A number as people write it, "2,000" or "1,5"; null for none, NaN for another text. */
export function numberOf(field, text) {
  const bare = text.replace(/[\s\u202f'’]/g, "");
  if (bare === "") return null;
  if (field === "warmUpFactor") return /^\d+([.,]\d+)?$/.test(bare) ? Number(bare.replace(",", ".")) : NaN;
  return /^\d+$|^\d{1,3}([.,]\d{3})+$/.test(bare) ? Number(bare.replace(/[.,]/g, "")) : NaN;
}

/** Fields whose text is no number. */
export const faultyFields = (kind, typed) => FIELDS[kind].filter((field) => Number.isNaN(numberOf(field, typed[field])));

/** The limits that a form says, as the API takes them: null for none. A factor belongs to a warm-up alone. */
export function limitsOf(kind, typed) {
  const numbers = Object.fromEntries(FIELDS[kind].map((field) => [field, numberOf(field, typed[field])]));
  if (numbers.warmUpStart === null) numbers.warmUpFactor = null;
  else numbers.warmUpFactor ??= USUAL_FACTOR;
  // The API has no null there.
  if (kind === "destination" && numbers.warmUpFactor === null) delete numbers.warmUpFactor;
  return numbers;
}

/** What a form changes: `[{ field, from, to }]`, null for no limit. */
export function changesOf(kind, one, typed) {
  const [before, after] = [limitsOf(kind, typedOf(kind, one)), limitsOf(kind, typed)];
  return FIELDS[kind].map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null })).filter(({ from, to }) => from !== to);
}

export class Orders {
  /** `order` gives one, `done()` is called after each: what is shown is read again. `changed()` draws. */
  constructor({ order, changed, done, announce, undoable }) {
    Object.assign(this, { order, changed, done, announce, undoable });
    this.close();
    /** The element to focus once it is drawn: a CSS selector. */
    this.focus = null;
  }

  /** `panel` is `pause` or `limits`; `one` the relay or destination, null for a domain that is still to be named. */
  open(panel, kind, one) {
    Object.assign(this, { panel, kind, one, typed: typedOf(kind === "lane" ? "relay" : kind, one), why: null, domain: "", fault: null, busy: false });
    this.focus = panel === "pause" && one ? ".gw-panel .primary" : ".gw-panel input";
    this.changed();
  }

  close() {
    Object.assign(this, { panel: null, kind: null, one: null, typed: {}, why: null, domain: "", fault: null, busy: false });
  }

  back() {
    // Where the panel was opened.
    this.focus = `${this.one ? rowOf(this.kind, this.nameOf(this.one)) : ""} [data-opens="${this.panel}"]`.trim();
    this.close();
    this.changed();
  }

  isOpen(panel, kind, one) {
    return this.panel === panel && this.kind === kind && (one === null ? this.one === null : this.one !== null && this.nameOf(one) === this.nameOf(this.one));
  }

  nameOf = (one) => one.name ?? one.domain;

  type(field, text) {
    if (field === "why" || field === "domain") this[field] = text;
    else this.typed = { ...this.typed, [field]: text };
    this.changed();
  }

  pause(until, why, text) {
    const { kind, one } = this;
    const name = one ? this.nameOf(one) : this.domain.trim();
    const input = { [API[kind].key]: name, until: until?.toISOString() ?? null, why };
    return this.give(API[kind].pause, input, { text: text(name), focus: actionOf(kind, name), undo: () => this.order(API[kind].resume, { [API[kind].key]: name }) });
  }

  /** Ends a pause or stop; a person's pause can be taken up again. */
  resume(kind, one, text) {
    const key = { [API[kind].key]: this.nameOf(one) };
    const undo = one.pausedBy ? () => this.order(API[kind].pause, { ...key, until: one.pausedUntil, why: one.pausedWhy }) : null;
    return this.give(API[kind].resume, key, { text, focus: actionOf(kind, this.nameOf(one)), undo });
  }

  lane(action, name, text) {
    const back = action === "pause" ? "resume" : "pause";
    return this.give(API.lane[action], { lane: name }, { text, focus: actionOf("lane", name), undo: () => this.order(API.lane[back], { lane: name }) });
  }

  limit(text) {
    const { kind, one, typed } = this;
    const name = one ? this.nameOf(one) : this.domain.trim();
    return this.setLimits(kind, name, limitsOf(kind, typed), text(name), one);
  }

  asConfigured(text) {
    const name = this.nameOf(this.one);
    return this.setLimits("relay", name, { asConfigured: true }, text(name), this.one);
  }

  setLimits(kind, name, limits, text, before) {
    const key = { [API[kind].key]: name };
    const former = before?.limitSource === "RELAY_URL" ? { asConfigured: true } : limitsOf(kind, typedOf(kind, before));
    return this.give(API[kind].limits, { ...key, ...limits }, { text, focus: actionOf(kind, name), undo: () => this.order(API[kind].limits, { ...key, ...former }) });
  }

  async give(name, input, { text, focus, undo }) {
    if (this.busy) return;
    Object.assign(this, { busy: true, fault: null });
    this.changed();
    try {
      await this.order(name, input);
      this.close();
      this.focus = focus;
      await this.done();
      this.announce(text);
      if (undo) this.undoable?.(text, async () => { await undo(); await this.done(); });
    } catch (error) {
      // The banner, or the sign-in, says these.
      if (!(error instanceof Offline || error instanceof SignedOut)) Object.assign(this, { fault: error, faultAt: focus });
    } finally {
      this.busy = false;
      this.changed();
    }
  }

  /** Why an order without a panel was refused, beside the row that it was for. */
  faultOf(kind, one) {
    return !this.panel && this.fault && this.faultAt === actionOf(kind, this.nameOf(one)) ? this.fault.message : null;
  }

  /** After each rendering: the focus goes to what an action led to. */
  drawn(root) {
    if (!this.focus) return;
    const found = root.querySelector(this.focus);
    if (!found) return;
    this.focus = null;
    found.focus();
  }
}

/** The row of a relay, domain or lane. */
const rowOf = (kind, name) => `[data-of="${kind}"][data-name="${CSS.escape(name)}"]`;

/** Its first action. */
const actionOf = (kind, name) => `${rowOf(kind, name)} .gw-actions .button`;
