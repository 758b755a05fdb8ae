// A small bar chart in a line of text: how a number came about, without axes. The number itself stands beside it.
import { html, svg } from "./vendor/lit-html/lit-html.js";

const WIDTH = 120;
const HEIGHT = 28;
/** Part of a bar's place that it fills. */
const FILLED = 0.79;
/** The height of a bar of zero, so that its time is seen. */
const LEAST = 1.5;

/** Bars from 0 to the highest value; what is negative or no number counts as 0. */
export function bars(values) {
  const heights = values.map((value) => (value > 0 ? value : 0));
  const most = Math.max(1, ...heights);
  const step = WIDTH / Math.max(1, heights.length);
  return heights.map((value, number) => {
    const height = Math.max(LEAST, (value / most) * HEIGHT);
    return { x: number * step, y: HEIGHT - height, width: step * FILLED, height };
  });
}

/**
 * An SVG of bars, the last one strongest: it is now. `label` is what it says to who does not see it; without one it is
 * hidden, since numbers beside it say the same. `tone`: "red" for what went wrong, else the colour of the text.
 */
export function sparkline(values, { label = null, tone = "" } = {}) {
  const last = values.length - 1;
  const drawn = bars(values).map(({ x, y, width, height }, number) => svg`<rect
    x=${x.toFixed(2)} y=${y.toFixed(2)} width=${width.toFixed(2)} height=${height.toFixed(2)} rx="1" fill="currentColor"
    fill-opacity=${number === last ? "1" : "0.5"}/>`);
  return label
    ? html`<svg class="spark ${tone}" viewBox="0 0 120 28" width="120" height="28" preserveAspectRatio="none" role="img" aria-label=${label}>${drawn}</svg>`
    : html`<svg class="spark ${tone}" viewBox="0 0 120 28" width="120" height="28" preserveAspectRatio="none" aria-hidden="true" focusable="false">${drawn}</svg>`;
}
