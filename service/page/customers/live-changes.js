// Keeps a visible page up to date: by subscription, or by polling while there is no connection.
import { subscribe } from "../graphql.js";

const CHANGES = "subscription Changes($id: ID!) { customerEmailsChanged(customerId: $id) { messageId kind } }";

/** Between two polls while there is no connection. */
const POLL_MS = 5_000;
/** Changes within this time are reported together. */
const GATHER_MS = 150;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000];

export class LiveChanges {
  /** `onNews(messageIds)` is called with what has changed; an empty set: anything may have. `changed()` redraws. */
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

  /** Ends the subscription and all timers. */
  stop() {
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.sleep();
  }

  /** The page is hidden: close the connection. */
  sleep() {
    this.state = "asleep";
    this.unsubscribe?.();
    this.unsubscribe = null;
    for (const timer of [this.poll, this.gather, this.retry]) clearTimeout(timer);
    this.gather = null;
  }

  /** The page is visible again: reconnect and catch up. */
  wake() {
    if (this.state !== "asleep") return;
    this.state = "connecting";
    this.connect();
    this.onNews(new Set());
  }

  connect() {
    this.unsubscribe = subscribe(CHANGES, { id: this.customerId }, {
      onOpen: () => this.opened(),
      onData: ({ customerEmailsChanged: change }) => change && this.gatherChange(change.messageId),
      onEnd: () => this.lost(),
    });
  }

  opened() {
    clearTimeout(this.poll);
    if (this.failures) this.onNews(new Set());
    this.setState("live");
    // A connection that ends at once does not reset the backoff.
    this.settled = setTimeout(() => (this.failures = 0), RETRY_MS[0]);
  }

  lost() {
    clearTimeout(this.settled);
    this.unsubscribe = null;
    this.setState("polling");
    clearTimeout(this.poll);
    this.poll = setTimeout(() => this.pollOnce(), POLL_MS);
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.retry = setTimeout(() => this.connect(), wait);
  }

  pollOnce() {
    this.onNews(new Set());
    if (this.state === "polling") this.poll = setTimeout(() => this.pollOnce(), POLL_MS);
  }

  gatherChange(messageId) {
    if (messageId) this.gathered.add(messageId);
    this.gather ??= setTimeout(() => {
      const news = this.gathered;
      this.gathered = new Set();
      this.gather = null;
      this.onNews(news);
    }, GATHER_MS);
  }

  setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }
}
