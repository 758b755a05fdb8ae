// Draws a plot by uPlot: loaded with the first plot.
import uPlot from "./vendor/uplot/uPlot.js";
import { patternOf } from "./plot-patterns.js";
import { plotTimes } from "./plot-times.js";
import { valueOf } from "./plot.js";
import { withStyleSheet } from "./style-sheet.js";
import { namePlaces, rowsOf, splitsOf, topOf } from "./plot-scale.js";

await withStyleSheet(new URL("./vendor/uplot/uPlot.css", import.meta.url).href);

/** Of the canvas in CSS pixels; its width is the figure's. */
const HEIGHT = 184;
/** A line's name stands at its end where the plot is at least this wide. */
const NAMES_FROM = 480;
/** Behind the last time, for half of its name. */
const HALF_A_TIME = 30;
/** `onPoint(place)` is called when the pointer has moved to a point, with null when it has left. */
export function drawPlot(area, onPoint) {
  let chart = null;
  let shape = "";
  let data = "";
  let byKey = false;
  /** What was to be drawn last: an area without width, as in a closed part of the page, is drawn when it has some. */
  let wantedLast = null;

  const size = new ResizeObserver(() => {
    if (!area.isConnected) destroy();
    else if (!chart && wantedLast) update(wantedLast, null);
    else if (chart && area.clientWidth && area.clientWidth !== chart.width) chart.setSize({ width: area.clientWidth, height: HEIGHT });
  });
  size.observe(area);

  function destroy() {
    size.disconnect();
    chart?.destroy();
    chart = null;
  }

  function update(given, place) {
    wantedLast = given;
    if (!area.clientWidth) return;
    const colours = coloursOf(area);
    const wanted = JSON.stringify([given.unit, given.log, given.stacked, given.shades, given.marks, given.until, colours, given.series.map(({ values, lower, upper, ...each }) => each)]);
    const numbers = JSON.stringify([given.x, given.series]);
    if (chart && wanted === shape && numbers === data) return;
    const keep = chart && wanted === shape;
    [shape, data] = [wanted, numbers];
    if (keep) {
      chart.given = given;
      chart.setData(rowsOf(given));
    } else {
      chart?.destroy();
      chart = new uPlot(optionsOf(given, colours, area, pointed), rowsOf(given), area);
      paintSwatches(area, given, colours);
    }
    // uPlot has its scales a microtask later.
    if (place !== null) queueMicrotask(() => point(place));
  }

  function pointed(place) {
    if (!byKey) onPoint(place);
  }

  function point(place) {
    if (!chart) return;
    byKey = true;
    const left = place === null ? -10 : chart.valToPos(chart.data[0][place], "x");
    chart.setCursor({ left, top: place === null ? -10 : chart.over.clientHeight / 2 });
    byKey = false;
  }

  return { update, point, destroy };
}

/** The colours of the page's theme for this plot: of each series (as its sample in the key), of text, lines and ground. */
function coloursOf(area) {
  const samples = [...area.parentElement.querySelectorAll(".plot-swatch")].map((each) => getComputedStyle(each).color);
  const { color, fontFamily } = getComputedStyle(area);
  const { borderTopColor, backgroundColor } = getComputedStyle(area.parentElement);
  return { samples, ink: color, line: borderTopColor, ground: backgroundColor, family: fontFamily };
}

function optionsOf(given, colours, area, onPoint) {
  const times = plotTimes(given.x, given.zone ? { zone: given.zone } : {});
  const font = `12px ${colours.family}`;
  const axis = { stroke: colours.ink, font, ticks: { show: false }, grid: { stroke: colours.line, width: 1 } };
  const ends = !given.stacked && area.clientWidth >= NAMES_FROM;
  return {
    width: area.clientWidth,
    height: HEIGHT,
    padding: [10, ends && !given.until ? nameWidth(given, font) + 12 : HALF_A_TIME, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), times.zone),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !given.stacked, size: 7 } },
    scales: { x: { time: true, range: timeRange(given) }, y: { ...(given.log && { distr: 4, asinh: 1 }), range: (_, __, max) => [0, topOf(max, given)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 62, size: 26, gap: 6, values: (_, splits, __, ___, step) => times.ticks(splits, step) },
      { ...axis, gap: 6, size: (_, values) => 14 + Math.max(12, ...(values ?? []).map((each) => textWidth(each, font))),
        splits: (_, __, ___, max) => splitsOf(max, given), filter: all, grid: { ...axis.grid, filter: all }, values: (_, splits) => splits.map((each) => valueOf(given, each)) },
    ],
    series: [{}, ...seriesOf(given, colours)],
    bands: bandsOf(given, colours),
    hooks: {
      init: [(chart) => { chart.given = given; }],
      setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)],
      drawClear: [(chart) => drawShades(chart, given, colours)],
      draw: [(chart) => { drawMarks(chart, given, colours, font); if (ends) drawNames(chart, colours, font); }],
    },
  };
}

/** Every tick is named: uPlot would leave some of a logarithmic axis out. */
const all = (_, splits) => splits;

function seriesOf(given, { samples, ground }) {
  if (given.stacked) {
    const bars = uPlot.paths.bars({ size: [0.8, 48], align: 1 });
    return given.series.map((_, place) => ({ paths: bars, fill: patternOf(place, samples[place], ground), width: 0, points: { show: false } })).reverse();
  }
  return given.series.flatMap(({ dash, steps, lower }, place) => {
    const line = { stroke: samples[place], width: 2, dash, points: { show: (chart, row) => lonely(chart.data[row]).length > 0, filter: (chart, row) => lonely(chart.data[row]) }, ...(steps && { paths: uPlot.paths.stepped({ align: 1 }) }) };
    const bound = { width: 0, points: { show: false } };
    return lower ? [line, bound, bound] : [line];
  });
}

/** Places of values between two gaps, of which a line shows nothing. */
const lonely = (values) => values.flatMap((value, place) => (value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null ? [place] : []));

function bandsOf({ series, stacked }, { samples }) {
  if (stacked) return [];
  let row = 0;
  return series.flatMap(({ lower }, place) => {
    row += lower ? 3 : 1;
    return lower ? [{ series: [row - 1, row], fill: faint(samples[place]) }] : [];
  });
}

/** "rgb. */
const faint = (colour) => colour.replaceAll(",", "").replace(")", " / 16%)");

/** From the first to the last time; bars stand behind their time, so that the last needs room. */
function timeRange({ x, until, stacked }) {
  const step = x.length > 1 ? x[1] - x[0] : 3_600;
  return (_, min, max) => [min, Math.max(stacked || x.length < 2 ? max + step : max, until ?? 0)];
}

// What is drawn beside the lines -----------------------------------------------------------------------------------------

let ruler = null;

function textWidth(text, font) {
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = font;
  return Math.ceil(ruler.measureText(text).width);
}

/** "Accepted 48": a line's name and its last value. */
const nameOf = (given, each) => `${each.label} ${valueOf(given, each.values[lastPlace(each.values)])}`;
const nameWidth = (given, font) => Math.max(0, ...given.series.map((each) => textWidth(nameOf(given, each), font)));
const lastPlace = (values) => values.findLastIndex((each) => each !== null && each !== undefined);

/** Each line's name behind its last value; names that would touch are moved apart. */
function drawNames(chart, { samples }, font) {
  const { ctx, bbox, given } = chart;
  const ratio = bbox.width / chart.over.clientWidth;
  const lasts = given.series.map(({ values }) => lastPlace(values));
  const names = namePlaces(given.series.map(({ values }, place) => values[lasts[place]]), (value) => chart.valToPos(value, "y"), chart.over.clientHeight);
  ctx.save();
  ctx.font = font.replace("12px", `${12 * ratio}px`);
  Object.assign(ctx, { textBaseline: "middle", textAlign: "left" });
  for (const { place, top } of names) {
    ctx.fillStyle = samples[place];
    ctx.fillText(nameOf(given, given.series[place]), chart.valToPos(given.x[lasts[place]], "x", true) + 6 * ratio, bbox.top + top * ratio);
  }
  ctx.restore();
}

/** Spans of time, such as pauses: hatched behind the lines. */
function drawShades(chart, { shades = [] }, { line, ground }) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = patternOf(1, line, ground);
  for (const { from, to } of shades) {
    const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(to, "x", true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  // Their names are said with the values: a text would not fit every span.
  ctx.restore();
}

/** Moments, such as today: a thin line with its name. */
function drawMarks(chart, { marks = [] }, { ink }, font) {
  const { ctx, bbox } = chart;
  const ratio = bbox.width / chart.over.clientWidth;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.font = font.replace("12px", `${12 * ratio}px`);
  ctx.textBaseline = "top";
  for (const { at, label } of marks) {
    const left = Math.round(chart.valToPos(at, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    ctx.textAlign = left > bbox.left + bbox.width / 2 ? "right" : "left";
    ctx.fillText(label, left + (ctx.textAlign === "right" ? -5 : 5) * ratio, bbox.top + 2 * ratio);
  }
  ctx.restore();
}

/** The samples of patterns in the key. */
function paintSwatches(area, { stacked }, { samples, ground }) {
  if (!stacked) return;
  for (const canvas of area.parentElement.querySelectorAll("canvas.plot-pattern")) {
    const place = Number(canvas.dataset.place);
    const context = canvas.getContext("2d");
    context.fillStyle = patternOf(place, samples[place], ground);
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
}
