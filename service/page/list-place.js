// Where a reader is in a list: the first visible row is in the address (`at`), and rows do not move while somebody reads.

/** After the last scroll event, until the place is written to the address. */
const PLACE_MS = 250;
/** Pixels from the top that count as the top. */
const AT_TOP = 40;
/** After a pointer moved over the rows, rows must not move for this time: a click may follow. */
const POINTED_MS = 3_000;

export class ListPlace {
  /**
   * `list()` is the shown PagedList, `id` its element's, `heads` are selectors of what stands above its rows, `write(at)`
   * puts the place into the address, `arrived()` is called at the top.
   */
  constructor({ list, id, heads, write, arrived }) {
    Object.assign(this, { list, id, heads, write, arrived });
    this.pointedAt = -Infinity;
    this.onScroll = () => this.scrolled();
    window.addEventListener("scroll", this.onScroll, { passive: true });
  }

  stop() {
    clearTimeout(this.placing);
    window.removeEventListener("scroll", this.onScroll);
  }

  pointed = () => {
    this.pointedAt = performance.now();
  };

  /** Whether the newest row is visible: only then may new ones be put above it. */
  get atTop() {
    return window.scrollY < AT_TOP;
  }

  /** Whether the focus or the pointer is among the rows, which must not move then. */
  get isReading() {
    const pointed = performance.now() - this.pointedAt < POINTED_MS;
    const element = document.getElementById(this.id);
    return pointed || Boolean(element?.contains(document.activeElement) && element !== document.activeElement);
  }

  /** Scrolls so that the row below the cursor `at` is the first visible one; call it after a rendering. */
  reveal(cursor) {
    const row = cursor && document.querySelector(`#${this.id} [data-cursor="${cursor}"]`);
    if (row) row.scrollIntoView({ block: "start" });
    else if (!cursor) window.scrollTo(0, 0);
  }

  scrolled() {
    clearTimeout(this.placing);
    this.placing = setTimeout(() => this.writePlace(), PLACE_MS);
  }

  writePlace() {
    const list = this.list();
    if (document.querySelector("dialog[open]") || list.state !== "ready") return;
    const line = Math.max(...this.heads.map((each) => document.querySelector(each)?.getBoundingClientRect().bottom ?? 0));
    const rows = [...document.querySelectorAll(`#${this.id} [data-cursor]`)];
    // The first row of which more than half is visible.
    const first = rows.map((row) => [row, row.getBoundingClientRect()]).find(([, box]) => (box.top + box.bottom) / 2 > line)?.[0];
    this.write(first && !this.atTop ? list.above(first.dataset.cursor) : null);
    if (this.atTop) this.arrived();
  }
}
