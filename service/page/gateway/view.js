// The gateway: what it does now, its relays, its destinations, and what is refused; read again every few seconds.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { drawnTabs, linkTabs } from "../link-tabs.js";
import { failure, skeleton } from "../notices.js";
import { preference } from "../preferences.js";
import { drawnPlots, plot } from "../plot.js";
import { destinations } from "./destinations.js";
import { momentsOf, refusalsOf, relayPlot } from "./figures.js";
import { now, relays } from "./now.js";
import { Orders } from "./orders.js";
import { order, readAcceptance, readExamples, readGateway } from "./queries.js";
import { refusals } from "./refusals.js";
import { eventsOf } from "./rows.js";
import { warmUpPlot } from "./warm-up.js";

const TABS = ["now", "relays", "destinations", "refusals"];
/** Between two readings while the page is visible. */
const AGAIN_MS = 5_000;
/** Between two readings of what changes by the hour. */
const RARELY_MS = 60_000;

class GatewayView {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.title = said.gateway.heading;
    this.data = null;
    this.error = null;
    this.acceptance = null;
    this.examples = {};
    this.causeOrder = [];
    this.domainOrder = [];
    /** The moment of the last reading of what is read rarely. */
    this.readRarely = -Infinity;
    this.orders = new Orders({
      order: app.guard(order), changed: app.changed, done: () => this.read(), announce: app.announce,
      undoable: app.undoable && ((...given) => app.undoable(...given)),
    });
    this.onVisible = () => this.schedule(0);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  get tab() {
    return TABS.includes(this.place.path[0]) ? this.place.path[0] : "now";
  }

  get last() {
    return this.place.query.last === "day" ? "day" : "hour";
  }

  get history() {
    return this.last === "day" ? this.data.day : this.data.recent;
  }

  shows(place) {
    return place.view === "gateway";
  }

  arrive(place) {
    const changed = place !== this.place && writeAddress(place) !== writeAddress(this.place);
    this.place = place;
    if (changed) {
      this.orders.close();
      this.causeOrder = [];
      this.domainOrder = [];
      this.examples = {};
    }
    this.read();
  }

  leave() {
    clearTimeout(this.timer);
    this.reading?.abort();
    document.removeEventListener("visibilitychange", this.onVisible);
    this.left = true;
  }

  resume() {
    this.read();
  }

  schedule(delay) {
    clearTimeout(this.timer);
    if (!this.left && !document.hidden) this.timer = setTimeout(() => this.read(), delay);
  }

  /** Reads all that this tab shows; a reading under way is given up for it. */
  async read() {
    clearTimeout(this.timer);
    this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    const { signal } = reading;
    const { tab, last } = this;
    try {
      const data = await this.app.guard(readGateway)({ last, tab }, { signal });
      if (signal.aborted) return;
      Object.assign(this, { data, error: null, shown: { tab, last } });
      this.keepOrder();
      this.app.changed();
      await this.readRest(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.app.changed();
    this.schedule(AGAIN_MS);
  }

  /** Rows do not change places while one reads: what comes later comes behind. */
  keepOrder() {
    if (this.tab === "refusals" && this.history) {
      const causes = refusalsOf(this.history, this.last, Date.now()).rows.map(({ cause }) => cause);
      this.causeOrder = [...new Set([...this.causeOrder, ...causes])];
    }
    this.domainOrder = [...new Set([...this.domainOrder, ...(this.data.domains ?? []).map(({ domain }) => domain)])];
  }

  /** What changes slowly: times to acceptance, and examples of causes that have none yet. */
  async readRest(signal) {
    const now = Date.now();
    if (this.tab === "now" && now - this.readRarely >= RARELY_MS) {
      this.readRarely = now;
      this.acceptance = await this.app.guard(readAcceptance)(now, { signal });
    }
    const wanted = this.causeOrder.filter((cause) => cause && !(cause in this.examples));
    if (this.tab !== "refusals" || !wanted.length) return;
    const since = new Date(momentsOf(this.history, this.last, now)[0].at * 1000).toISOString();
    Object.assign(this.examples, await this.app.guard(readExamples)(wanted, since, { signal }));
  }

  to(change) {
    return { view: "gateway", path: this.place.path, query: this.place.query, ...change };
  }

  tabs() {
    const { data } = this;
    // Of the destinations only those with something set are all known: their number would not be that of the rows.
    const counts = { relays: data?.relays.length ?? null, destinations: null };
    const tabs = TABS.map((tab) => {
      const place = this.to({ path: tab === "now" ? [] : [tab] });
      return { href: writeAddress(place), text: said.gateway.tabs[tab], count: counts[tab], current: tab === this.tab, follow: this.app.to(place) };
    });
    return linkTabs({ label: said.gateway.tabsOf, tabs });
  }

  range() {
    return html`<nav class="gw-range" aria-label=${said.gateway.rangeOf}>${["hour", "day"].map((last) => {
      const place = this.to({ query: last === "day" ? { last } : {} });
      return html`<a href=${writeAddress(place)} aria-current=${last === this.last ? "true" : nothing} @click=${this.app.to(place)}>${said.gateway.range[last]}</a>`;
    })}</nav>`;
  }

  body() {
    const { tab, last, shown } = this;
    // What was read for another tab or time has not all that this one shows.
    if (!this.data || shown.tab !== tab || shown.last !== last) return this.error ? failure(this.error, () => this.read()) : skeleton();
    return html`${this.error ? failure(this.error, () => this.read()) : nothing}<div class=${this.error ? "gw-stale" : ""}>${this.part(tab)}</div>`;
  }

  part(tab) {
    if (tab === "relays") return relays(this, (relay, place) => this.relayPlots(relay, `relay-${place}`));
    if (tab === "destinations") return destinations(this);
    return tab === "refusals" ? refusals(this) : now(this);
  }

  relayPlots(relay, id) {
    const warmUp = warmUpPlot(relay, id, relay.name, Date.now(), dayText);
    return html`<div class="gw-plots gw-wide">${plot(relayPlot(relay, id, this.history, this.last, Date.now()))}${warmUp ? plot(warmUp) : nothing}</div>
      <details class="gw-wide gw-more"><summary aria-label=${`${said.gateway.relays.events}: ${relay.name}`}>${said.gateway.relays.events}</summary>${eventsOf(relay.events)}</details>`;
  }

  view() {
    return html`<header class="heading gw-heading"><h1>${said.gateway.heading}</h1>${this.range()}</header>${this.tabs()}${this.body()}`;
  }

  drawn(root) {
    drawnTabs(root);
    drawnPlots(root);
    this.orders.drawn(root);
  }

  actions() {
    return TABS.map((tab) => ({
      name: `${said.gateway.heading}: ${said.gateway.tabs[tab]}`, keys: "", run: () => this.app.go({ view: "gateway", path: tab === "now" ? [] : [tab], query: {} }),
    }));
  }
}

const dayText = (seconds) =>
  new Intl.DateTimeFormat(preference("language"), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(seconds * 1000));

export const open = (place, app) => new GatewayView(place, app);
