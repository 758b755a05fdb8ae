// Saves a draft while one types: part by part, one at a time; what is refused stays to be saved, with its reason.
import { said } from "../language.js";

/** Pause in typing after which a part is saved. */
const TYPING_MS = 600;

export class DraftSaver {
  /** `write(part)` saves one part; `changed()` is called after every change; `saved()` when nothing is left to save. */
  constructor({ write, changed, saved, now = Date.now }) {
    Object.assign(this, { write, changed, saved, now });
    this.waiting = new Set();
    /** Why a part was not saved, by part. */
    this.faults = new Map();
    /** `saved`, `waiting`, `saving` or `failed`. */
    this.state = "saved";
    this.savedAt = null;
    this.chain = Promise.resolve();
  }

  /** A part has changed; `soon`: by a choice rather than by typing. */
  touch(part, { soon = false } = {}) {
    this.waiting.add(part);
    this.faults.delete(part);
    if (this.state !== "saving") this.state = "waiting";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), soon ? 0 : TYPING_MS);
    this.changed();
  }

  /** Saves what waits, and what was refused, again. Returns whether nothing is left. */
  async flush() {
    clearTimeout(this.timer);
    this.chain = this.chain.then(() => this.writeAll());
    await this.chain;
    return !this.waiting.size;
  }

  async writeAll() {
    const parts = [...this.waiting];
    if (!parts.length) return;
    this.waiting.clear();
    this.state = "saving";
    this.changed();
    for (const part of parts) await this.writeOne(part);
    const failed = [...this.faults.keys()];
    for (const part of failed) this.waiting.add(part);
    if (failed.length) this.state = "failed";
    else if (this.waiting.size) this.state = "waiting";
    else Object.assign(this, { state: "saved", savedAt: this.now() });
    this.changed();
    this.saved();
  }

  async writeOne(part) {
    try {
      await this.write(part);
      this.faults.delete(part);
    } catch (error) {
      // It was changed again meanwhile: what is refused now is not what is shown.
      if (!this.waiting.has(part)) this.faults.set(part, error);
    }
  }

  /** Why parts were not saved, as one text. */
  get why() {
    return [...this.faults.values()].map((each) => each.message || said.shell.unreachable).join(" ");
  }

  /** The editor is left: what waits is saved, and `tell(why)` is called where that fails. */
  async leave(tell) {
    if (!(await this.flush())) tell(this.why);
  }
}
