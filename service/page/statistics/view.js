// Statistics: how it goes over days, by day or by one of six groups; one plot and one table with the same numbers.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { number } from "../numbers.js";
import { drawnPlots, plot } from "../plot.js";
import { preference } from "../preferences.js";
import { dayBehind, dayIn } from "../zoned.js";
import { bars } from "./bars.js";
import { askedOf, canRead, dayPlot, GROUPS, variablesOf } from "./figures.js";
import { readFigures } from "./queries.js";
import { table } from "./table.js";

const PRESETS = [7, 30, 90];

class StatisticsView {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.title = said.statistics.heading;
    this.rows = null;
    this.error = null;
  }

  get asked() {
    return askedOf(this.place.query, Date.now(), preference("zone"));
  }

  shows(place) {
    return place.view === "statistics";
  }

  arrive(place) {
    this.place = place;
    this.read();
  }

  leave() {
    this.reading?.abort();
  }

  resume() {
    this.read();
  }

  async read() {
    this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    const { asked } = this;
    this.app.changed();
    if (asked.from > asked.to) return;
    try {
      const rows = await this.app.guard(readFigures)(variablesOf(asked, preference("zone")), { signal: reading.signal });
      if (reading.signal.aborted) return;
      Object.assign(this, { rows, shown: asked, error: null, readAt: new Date().toISOString() });
      this.app.announce(rows.length ? said.statistics.outcomesSummary(...sums(rows)) : said.statistics.empty);
    } catch (error) {
      if (reading.signal.aborted) return;
      this.error = error;
    }
    this.app.changed();
  }

  chips(label, choices, current) {
    return html`<ul class="st-choices" aria-label=${label}>${choices.map(({ name, text, query }) => {
      const place = { view: "statistics", path: [], query: { ...this.place.query, ...query } };
      return html`<li><a href=${writeAddress(place)} aria-current=${name === current ? "true" : nothing} @click=${this.app.to(place)}>${text}</a></li>`;
    })}</ul>`;
  }

  controls() {
    const text = said.statistics;
    const { from, to, by, show } = this.asked;
    const today = dayIn(Date.now(), preference("zone"));
    const preset = to === today ? PRESETS.find((days) => from === dayBehind(today, 1 - days)) : undefined;
    const date = (name, value) => html`<label class="st-field">${text[name]}<input class="st-input" type="date" .value=${value} max=${today}
      @change=${({ target }) => target.value && this.app.query({ [name]: target.value })}></label>`;
    return html`<form class="st-controls" aria-label=${text.filters} @submit=${(event) => event.preventDefault()}>${date("from", from)}${date("to", to)}
      <label class="st-field">${text.by}<select class="st-input" @change=${({ target }) => this.app.query({ by: target.value === "day" ? null : target.value })}>${
      Object.keys(GROUPS).map((name) => html`<option value=${name} .selected=${name === by}>${text.groups[name]}</option>`)}</select></label>
      ${this.chips(text.presetsOf, PRESETS.map((days) => ({ name: days, text: text.presets[days], query: { from: dayBehind(today, 1 - days), to: today } })), preset)}
      ${canRead(by) ? this.chips(text.shownOf, ["outcomes", "reading"].map((name) => ({ name, text: text.shown[name], query: { show: name === "outcomes" ? null : name } })), show) : nothing}</form>`;
  }

  body() {
    const text = said.statistics;
    const { asked, rows, shown, error } = this;
    if (asked.from > asked.to) return notice({ heading: text.empty, text: text.backwards });
    const fits = rows && JSON.stringify(shown) === JSON.stringify(asked);
    if (error) return failure(error, () => this.read());
    if (!fits) return skeleton();
    if (!rows.length) return notice({ heading: text.empty, text: text.emptyText });
    const zone = preference("zone");
    return html`${asked.by === "day" ? plot(dayPlot(rows, asked, zone)) : bars(rows, asked, zone)}
      ${asked.by === "domain" ? html`<p class="hint">${text.utc}</p>` : nothing}${table(this.app, rows, asked, zone, dayText)}`;
  }

  view() {
    return html`<header class="heading st-heading"><h1>${said.statistics.heading}</h1>${
      this.readAt ? html`<p class="hint">${said.statistics.asOf} ${moment(this.readAt)}</p>` : nothing}</header>${this.controls()}${this.body()}`;
  }

  drawn(root) {
    drawnPlots(root);
  }

  actions() {
    return Object.keys(GROUPS).map((name) => ({
      name: `${said.statistics.heading}: ${said.statistics.groups[name]}`, keys: "", run: () => this.app.go({ view: "statistics", path: [], query: { ...this.place.query, by: name } }),
    }));
  }
}

const sums = (rows) => ["sent", "accepted", "refused", "bounced"].map((name) => number(rows.reduce((sum, row) => sum + row[name], 0)));
const dayText = (seconds) =>
  new Intl.DateTimeFormat(preference("language"), { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: preference("zone") }).format(new Date(seconds * 1000));

export const open = (place, app) => new StatisticsView(place, app);
