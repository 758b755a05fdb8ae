// The handle between source and preview: dragged, or moved by the arrow keys.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";

const KEPT = "template-split";
/** Per cent of the width that the source has: neither may vanish. */
const [LEAST, MOST, USUAL, STEP] = [25, 75, 50, 5];

let share = read();

function read() {
  try {
    return within(Number(localStorage.getItem(KEPT)) || USUAL);
  } catch {
    return USUAL;
  }
}

function within(value) {
  return Math.round(Math.min(Math.max(value, LEAST), MOST));
}

/** The style of the grid: the source's share. */
export const splitStyle = () => `--tp-share: ${share}`;

function set(value, changed) {
  share = within(value);
  try {
    localStorage.setItem(KEPT, String(share));
  } catch {
    // It holds until the page is left.
  }
  changed();
}

/** Where the handle goes by a key, or null for a key that does not move it. */
export const moved = (key, from = share) => ({ ArrowLeft: from - STEP, ArrowRight: from + STEP, Home: LEAST, End: MOST })[key] ?? null;

/** `changed` draws again. While it is dragged, the frame must not take the pointer: `body` is marked. */
export function splitHandle(changed) {
  const drag = (event) => {
    const grid = event.currentTarget.parentElement.getBoundingClientRect();
    if (event.currentTarget.hasPointerCapture(event.pointerId)) set(((event.clientX - grid.left) / grid.width) * 100, changed);
  };
  const key = (event) => {
    const to = moved(event.key);
    if (to === null) return;
    event.preventDefault();
    set(to, changed);
  };
  return html`<div class="tp-split" role="separator" tabindex="0" aria-orientation="vertical" aria-label=${said.templates.split}
    aria-valuemin=${LEAST} aria-valuemax=${MOST} aria-valuenow=${share} @keydown=${key} @pointermove=${drag}
    @pointerdown=${(event) => event.currentTarget.setPointerCapture(event.pointerId)}></div>`;
}
