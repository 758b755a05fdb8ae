// Keeps a page true while it is looked at: changes as they happen, and polling while nobody tells.
import { followCustomer } from "./graphql.js";

/** Between two looks while there is no live connection. */
const POLL_MS = 5_000;
/** Changes within this time are one. */
const GATHER_MS = 150;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000];

export class LiveChanges {
  /** `onNews(messageIds)` is told what has changed; an empty set means that anything may have. `changed()` redraws. */
  constructor(customerId, { onNews, changed }) {
    this.customerId = customerId;
    this.onNews = onNews;
    this.changed = changed;
    /** `connecting`, `live`, `polling` or `asleep`. */
    this.state = "connecting";
    this.gathered = new Set();
    this.failures = 0;
    this.onVisibility = () => (document.hidden ? this.sleep() : this.wake());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.connect();
  }

  /** For good. */
  stop() {
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.sleep();
  }

  /** Nobody looks: hold no connection. */
  sleep() {
    this.state = "asleep";
    this.hangUp?.();
    this.hangUp = null;
    for (const timer of [this.poll, this.gather, this.retry]) clearTimeout(timer);
    this.gather = null;
  }

  /** Somebody looks again: catch up. */
  wake() {
    if (this.state !== "asleep") return;
    this.state = "connecting";
    this.connect();
    this.onNews(new Set());
  }

  connect() {
    this.hangUp = followCustomer(this.customerId, {
      onOpen: () => this.opened(),
      onChange: (change) => this.hear(change.messageId),
      onEnd: () => this.lost(),
    });
  }

  opened() {
    clearTimeout(this.poll);
    if (this.failures) this.onNews(new Set());
    this.become("live");
    // A connection that ends at once is no reason to hope.
    this.settled = setTimeout(() => (this.failures = 0), RETRY_MS[0]);
  }

  lost() {
    clearTimeout(this.settled);
    this.hangUp = null;
    this.become("polling");
    clearTimeout(this.poll);
    this.poll = setTimeout(() => this.look(), POLL_MS);
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.retry = setTimeout(() => this.connect(), wait);
  }

  look() {
    this.onNews(new Set());
    if (this.state === "polling") this.poll = setTimeout(() => this.look(), POLL_MS);
  }

  hear(messageId) {
    if (messageId) this.gathered.add(messageId);
    this.gather ??= setTimeout(() => {
      const news = this.gathered;
      this.gathered = new Set();
      this.gather = null;
      this.onNews(news);
    }, GATHER_MS);
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }
}
