// Where the reader is, and how they go on: the web address and the browser's history.
import { readAddress, writeAddress } from "./address.js";

/** The state of a history entry whose popover was opened over the view of the entry before it. */
const OVER = "over";
const WORKLIST = { view: "worklist", path: [], query: {} };

export class Places {
  /** `arrive(options)` shows `current`, which has changed. */
  constructor(arrive) {
    this.arrive = arrive;
    this.current = this.read();
    /** From `history.back()` until its popstate: a second Escape in between would leave the page. */
    this.goingBack = false;
  }

  /** The place of the address bar. The list of customers was at "/" once: an address of then goes on to where it is. */
  read() {
    const place = readAddress(new URL(location.href));
    if (place.view === "customers" && location.pathname === "/") history.replaceState(history.state, "", writeAddress(place));
    return place;
  }

  /** Navigate: change the place by `change`. `over` marks a popover over the view, which `goBack` closes. */
  go = (change, { replace = false, scroll = true, over = false } = {}) => {
    this.current = { ...this.current, ...change };
    this.arrive({ scroll });
    if (replace) history.replaceState(history.state, "", writeAddress(this.current));
    else history.pushState(over ? OVER : null, "", writeAddress(this.current));
  };

  /** Change the query of the address: a value of null leaves its name out. */
  query = (change, options) => {
    const query = Object.fromEntries(Object.entries({ ...this.current.query, ...change }).filter(([, value]) => value !== null));
    this.go({ query }, options);
  };

  /** Close a popover: back in the history, or by `change` where a link opened it. */
  goBack = (change) => {
    if (this.goingBack) return;
    this.goingBack = history.state === OVER;
    if (this.goingBack) history.back();
    else this.go(change, { replace: true });
  };

  /** Follow a link within this page; the browser handles clicks with a modifier. `left` is the entry's state after Back. */
  follow = (event, there, left = null) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (left) history.replaceState({ left }, "");
    this.visit(there);
  };

  /** Go to a place without a link, as a key does. */
  visit = (there) => {
    const address = writeAddress(there);
    history.pushState(null, "", address);
    this.current = readAddress(new URL(address, location.href));
    this.arrive();
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  };

  /** `@click` of a link to a place of this page. */
  to = (there) => (event) => this.follow(event, there);

  toWorklist = (event) => this.follow(event, WORKLIST);

  toList = (event) => this.follow(event, { view: "customers", search: "" });

  /** The browser has gone back or forward. */
  moved() {
    this.goingBack = false;
    this.current = this.read();
    this.arrive();
  }

  /** Start again at the first place, as after signing out. */
  restart() {
    history.replaceState(null, "", "/");
    this.current = WORKLIST;
  }

  /** The state in which this history entry was left, or null. */
  get left() {
    return history.state?.left ?? null;
  }
}
