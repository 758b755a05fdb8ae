// How many things wait for a person: the number beside Worklist in the bar.
import { fetchData } from "./graphql.js";

/** Between two readings while the page is visible. */
const EVERY_MS = 30_000;
const WAITING = "query Waiting { needsAttention { total { value } } }";

export class Waiting {
  constructor(app) {
    this.app = app;
    /** The number, or null while it is not known. */
    this.count = null;
    this.read = app.guard(async () => (await fetchData(WAITING)).needsAttention.total);
    document.addEventListener("visibilitychange", () => this.running && !document.hidden && this.start());
  }

  /** Reads the number now, and from then on. */
  async start() {
    this.running = true;
    clearTimeout(this.timer);
    try {
      const total = await this.read();
      if (total) this.note(Number(total.value));
    } catch {
      // `app.guard` shows signed out and offline; else the number stays until the next reading.
    }
    clearTimeout(this.timer);
    if (this.running && !document.hidden) this.timer = setTimeout(() => this.start(), EVERY_MS);
  }

  stop() {
    this.running = false;
    this.count = null;
    clearTimeout(this.timer);
  }

  /** A view has read the number itself. */
  note(count) {
    if (!this.running || count === this.count) return;
    this.count = count;
    this.app.changed();
  }
}
