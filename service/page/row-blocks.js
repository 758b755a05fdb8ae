// The body of a list: only blocks of rows near the screen are in the DOM; the others keep their height.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { said } from "./language.js";
import { failure, skeleton } from "./notices.js";

/** Pixels above and below the screen that are rendered: about two screens. */
const AHEAD = 1_600;
/** The estimated height of a row that was not measured. */
const ROW_HEIGHT = 52;

const seen = new WeakSet();

/** Elements of blocks that are near the screen, but not on it: one a frame is drawn, since each is a frame's work. */
const coming = new Set();

function drawNext() {
  const [target] = coming;
  coming.delete(target);
  if (target?.isConnected && !target.block.inSight) {
    target.block.inSight = true;
    target.list.changed();
  }
  if (coming.size) requestAnimationFrame(drawNext);
}

const isOnScreen = ({ top, bottom }) => bottom > 0 && top < window.innerHeight;

const watcher = new IntersectionObserver(
  (entries) => {
    const lists = new Set();
    const waited = coming.size;
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const { block, list } = target;
      coming.delete(target);
      if (!block || !target.isConnected || block.inSight === isIntersecting) continue;
      // A block that has the focus stays.
      if (!isIntersecting && target.contains(document.activeElement)) continue;
      if (isIntersecting && !isOnScreen(boundingClientRect)) {
        coming.add(target);
        continue;
      }
      if (!isIntersecting) block.height = target.offsetHeight;
      block.inSight = isIntersecting;
      lists.add(list);
    }
    for (const list of lists) list.changed();
    if (!waited && coming.size) requestAnimationFrame(drawNext);
  },
  { rootMargin: `${AHEAD}px 0px` },
);

const ends = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) target.list?.older();
  },
  { rootMargin: `${AHEAD}px 0px` },
);

/** After each rendering: observe new elements. */
export function watchBlocks(root) {
  for (const element of root.querySelectorAll(".block")) {
    if (seen.has(element)) continue;
    seen.add(element);
    watcher.observe(element);
  }
  for (const element of root.querySelectorAll(".older")) {
    // Observed again each time, so that an end that is still visible after a page loads the next one.
    ends.unobserve(element);
    ends.observe(element);
  }
}

/** After a resize the heights of blocks outside the DOM are estimated again. */
export function forgetHeights(list) {
  for (const each of list.blocks) if (!each.inSight) each.height = null;
}

/** Whether a block's rows are in the DOM: near the screen, or all of them where the list is printed whole. */
const drawn = (each, list) => each.inSight || Boolean(list.whole);

const styled = (each, list) => (drawn(each, list) ? "" : `height:${each.height ?? each.rows.length * ROW_HEIGHT}px`);

/** The blocks, each row by `row(edge, index)`; `role` is the ARIA role of a rendered block. */
export function rowBlocks(list, row, role = "rowgroup") {
  let index = 1;
  const first = list.blocks.map((each) => {
    const start = index;
    index += each.rows.length;
    return start;
  });
  return html`${repeat(
    list.blocks,
    (each) => each.number,
    (each, place) => html`<div class="block" role=${drawn(each, list) ? role : "presentation"} .block=${each} .list=${list} .style=${styled(each, list)}>${
      drawn(each, list) ? repeat(each.rows, (edge) => edge.cursor, (edge, number) => row(edge, first[place] + number)) : nothing
    }</div>`,
  )}`;
}

/** Below the rows: loading more, failed, or the end. */
export function listEnd(list) {
  if (list.olderError) return failure(list.olderError, () => list.older());
  if (list.hasOlder) return html`<div class="older" .list=${list}>${skeleton(3)}</div>`;
  return list.count > 20 ? html`<p class="list-end">${said.shell.endOfList}</p>` : nothing;
}
