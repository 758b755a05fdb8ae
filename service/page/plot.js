// A plot over time: a figure whose canvas uPlot draws, with its numbers as a table and a cursor for the arrow keys.
import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";
import { number, percent } from "./numbers.js";
import { plotTimes } from "./plot-times.js";
import { withStyleSheet } from "./style-sheet.js";

// The views that draw plots wait for it, as for their own.
await withStyleSheet(new URL("./plot.css", import.meta.url).href);

/** By how many points each key moves the cursor. */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
/** Plots of the document, by the element in which each is drawn. */
const live = new Map();
let drawing = null;
/** Why uPlot could not be loaded; tried again by the next plot. */
let broken = false;

/**
 * The figure. `x` are seconds since 1970, rising; a series is `{ label, values, dash?, token, steps?, lower?, upper? }`
 * with a value, or null for a gap, for each x; `lower` and `upper` are the bounds of a band. `unit` is a text; `format`
 * writes a value (else its digits), `isShare` for percent, `log` for values that differ by more than ten times, `ticks` for an axis with
 * these ticks, `stacked` for bars on each
 * other, `shades: [{ from, to, label }]` and `marks: [{ at, label }]` for spans and moments of x, `until`
 * where x ends when that is behind the last value, `zone` for another than the reader's. `level` is that of its heading.
 */
export const plot = (given) => html`<figure class="plot" aria-labelledby=${`${given.id}-name ${given.id}-summary`}>
  <figcaption>${given.level === 2 ? html`<h2 id=${`${given.id}-name`}>${given.name}</h2>` : html`<h3 id=${`${given.id}-name`}>${given.name}</h3>`}
    <p id=${`${given.id}-summary`} class="plot-summary">${given.summary}</p></figcaption>
  <div class="plot-head"><span class="plot-unit">${unitOf(given)}</span>
    <ul class="plot-key">${given.series.map((each, place) => html`<li>${swatch(given, each, place)}${each.label}</li>`)}</ul></div>
  <div class="plot-area" id=${given.id} tabindex="0" role="application" aria-roledescription=${said.plot.role}
    aria-labelledby=${`${given.id}-name ${given.id}-summary`} aria-describedby=${`${given.id}-keys`} .plot=${given}
    @keydown=${moved} @blur=${(event) => point(event.currentTarget, null)}></div>
  <p id=${`${given.id}-keys`} class="unseen">${said.plot.keys}</p>
  <p class="plot-values" aria-hidden="true"></p>
  <p class="unseen plot-said" role="status"></p>
  <details class="plot-numbers" @toggle=${opened}><summary>${said.plot.asTable}</summary><div class="plot-scroll" role="region" tabindex="0"
    aria-label=${said.plot.tableOf(given.name)}></div></details>
</figure>`;

const unitOf = ({ unit, log }) => (log ? said.plot.logarithmic(unit) : unit);

/** The sample beside a name: a line with its dashes, or the pattern of its bars, which drawing fills in. */
const swatch = ({ stacked }, { token, dash }, place) => (stacked
  ? html`<canvas class="plot-swatch plot-pattern" width="28" height="28" data-place=${place} aria-hidden="true" .style=${`color: var(${token})`}></canvas>`
  : html`<svg class="plot-swatch" viewBox="0 0 28 10" width="28" height="10" aria-hidden="true" .style=${`color: var(${token})`}>
      <path d="M0 5h28" stroke="currentColor" stroke-width="2.5" stroke-dasharray=${dash?.join(" ") ?? "none"}/></svg>`);

/** After each rendering: draws what is new or has changed, and forgets what is gone. */
export function drawnPlots(root) {
  forgetGone();
  for (const area of root.querySelectorAll(".plot-area")) {
    const kept = live.get(area) ?? { area, place: null };
    live.set(area, kept);
    draw(kept);
    showTable(area);
  }
}

function forgetGone() {
  for (const [area, kept] of live) {
    if (area.isConnected) continue;
    kept.drawn?.destroy();
    live.delete(area);
  }
}

async function draw(kept) {
  try {
    drawing ??= import("./plot-drawing.js");
    const { drawPlot } = await drawing;
    if (!kept.area.isConnected) return;
    broken = false;
    kept.drawn ??= drawPlot(kept.area, (place) => show(kept.area, place));
    kept.drawn.update(kept.area.plot, kept.place);
  } catch (error) {
    drawing = null;
    if (!broken) console.error(error);
    broken = true;
    if (kept.area.isConnected) kept.area.parentElement.querySelector(".plot-values").textContent = said.plot.notLoaded;
  }
}

/** The next point for a key, from `place` (null: none yet, the newest is the first); undefined for another key. */
export function nextPlace(key, place, count) {
  if (!Object.hasOwn(STEPS, key) || !count) return undefined;
  const from = place ?? (STEPS[key] === 1 || STEPS[key] === -1 ? count - 1 - STEPS[key] : count - 1);
  return Math.min(count - 1, Math.max(0, from + STEPS[key]));
}

function moved(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const area = event.currentTarget;
  const place = nextPlace(event.key, live.get(area)?.place ?? null, area.plot.x.length);
  if (place === undefined) return;
  event.preventDefault();
  point(area, place);
  area.parentElement.querySelector(".plot-said").textContent = valuesAt(area.plot, place);
}

/** Moves the cursor to a point; null takes it away. */
function point(area, place) {
  const kept = live.get(area);
  if (!kept) return;
  kept.drawn?.point(place);
  show(area, place);
}

/** The cursor stands at a point, by the mouse or a key: its values are shown. */
function show(area, place) {
  const kept = live.get(area);
  if (kept) kept.place = place;
  area.parentElement.querySelector(".plot-values").textContent = place === null ? "" : valuesAt(area.plot, place);
}

/** "2:14 PM: Accepted 48, Deferred 2, Refused none". */
export function valuesAt(given, place) {
  const at = given.x[place];
  if (at === undefined) return "";
  const values = given.series.map((each) => `${each.label} ${valueOf(given, each.values[place])}${bandOf(given, each, place)}`);
  const spans = (given.shades ?? []).filter(({ from, to }) => at >= from && at <= to).map(({ label }) => label);
  return `${timesOf(given).whole(at)}: ${[...values, ...spans].join(", ")}`;
}

const timesOf = ({ x, zone }) => plotTimes(x, zone ? { zone } : {});

/** A value as a text; what is not known is a dash. */
export function valueOf({ format, unit, isShare }, value) {
  if (value === null || value === undefined) return "–";
  if (format) return format(value);
  if (isShare || unit === "%") return percent(value / 100);
  return number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}

const bandOf = (given, { lower, upper }, place) =>
  lower && lower[place] !== null ? ` (${said.plot.between(valueOf(given, lower[place]), valueOf(given, upper[place]))})` : "";

function opened(event) {
  const area = event.currentTarget.parentElement.querySelector(".plot-area");
  showTable(area);
}

/** The table is drawn while it is open: a day of minutes has many rows. */
function showTable(area) {
  const details = area.parentElement.querySelector(".plot-numbers");
  render(details.open ? table(area.plot) : nothing, details.querySelector(".plot-scroll"));
}

function table(given) {
  const { whole } = timesOf(given);
  return html`<table><thead><tr><th scope="col">${said.plot.time}</th>${given.series.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
    <tbody>${given.x.map((at, place) => html`<tr><th scope="row"><time datetime=${new Date(at * 1000).toISOString()}>${whole(at)}</time></th>${
      given.series.map((each) => html`<td>${valueOf(given, each.values[place])}${bandOf(given, each, place)}</td>`)}</tr>`)}</tbody></table>`;
}

/** Draws all again in the colours of now. */
function again() {
  forgetGone();
  for (const kept of live.values()) draw(kept);
}

globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", again);
if (globalThis.MutationObserver) {
  new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-density"] });
}
