// One list of the API, newest first: pages read by cursor, kept as blocks; only visible blocks are rendered.

/** Rows of the first page: they fill a tall screen. */
const FIRST_PAGE = 50;
/** Rows of later pages, the API's maximum: fewer, larger requests while scrolling. */
const NEXT_PAGE = 100;
/** Rows of a block: as many as can be drawn within a frame. */
const BLOCK_ROWS = 20;
/** Pages read to find the position in the URL, some two thousand rows; a deeper one is opened without the rows above. */
const PAGES_TO_POSITION = 20;

let blockNumbers = 0;

const block = (rows, { inSight = true } = {}) => ({ number: ++blockNumbers, rows, inSight, height: null });

export class PagedList {
  /** `read({ first, after }, { signal })` returns a connection; `changed()` is called after every change. */
  constructor(read, changed) {
    this.read = read;
    this.changed = changed;
    this.reset();
  }

  /** Back to the state before anything was read. */
  reset() {
    this.stop?.abort();
    this.stop = null;
    this.blocks = [];
    this.known = new Map();
    this.keptIds = { ids: [], count: 0, first: undefined };
    /** New rows, not shown yet since the reader is further down. */
    this.waiting = [];
    this.state = "new";
    this.error = null;
    this.hasOlder = false;
    this.hasNewer = false;
    this.end = null;
    this.readingOlder = false;
    this.olderError = null;
    this.stale = false;
    /** The scroll position when the list was last left. */
    this.scroll = 0;
  }

  get count() {
    return this.known.size;
  }

  /** All rows in order, without `waiting`. */
  *rows() {
    for (const each of this.blocks) yield* each.rows;
  }

  /** What `idOf(node)` returns of each row, in order: gathered again only when rows have come, since there may be thousands. */
  ids(idOf) {
    const [first] = this.blocks;
    if (this.keptIds.count !== this.count || this.keptIds.first !== first) {
      this.keptIds = { ids: this.blocks.flatMap((each) => each.rows.map((row) => idOf(row.node))), count: this.count, first };
    }
    return this.keptIds.ids;
  }

  /** Reads the first page, or as far as the cursor `at`. */
  async open(at = null) {
    this.reset();
    this.state = "loading";
    this.changed();
    await this.attempt(async (options) => {
      await this.append({ first: FIRST_PAGE, after: null }, options);
      for (let page = 1; at && !this.known.has(at) && this.hasOlder && page < PAGES_TO_POSITION; page += 1) {
        await this.append({ first: NEXT_PAGE, after: this.end }, options);
      }
      if (at && !this.known.has(at)) await this.openAt(at, options);
      // Of a position its block is rendered; the others keep a height until they are near the screen.
      if (this.known.has(at)) for (const each of this.blocks) each.inSight = each.rows.some((row) => row.cursor === at);
      this.state = "ready";
    });
  }

  async openAt(at, options) {
    const found = await this.read({ first: NEXT_PAGE, after: at }, options).catch((error) => {
      // An invalid cursor, from a mistyped URL: start at the top.
      if (error.argument === "after") return { edges: [] };
      throw error;
    });
    if (!found.edges.length) return;
    this.blocks = [];
    this.known.clear();
    this.take(found);
    this.hasNewer = true;
  }

  /** Reads the next page of older rows, unless that is being done. */
  async older() {
    if (this.state !== "ready" || this.readingOlder || !this.hasOlder) return;
    this.readingOlder = true;
    this.olderError = null;
    this.changed();
    try {
      await this.append({ first: NEXT_PAGE, after: this.end }, { signal: this.stop?.signal });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.olderError = error;
    }
    this.readingOlder = false;
    this.changed();
  }

  /** Repeats a failed read: of older rows, or of the whole list when it never opened, which is then read from its top. */
  retry() {
    if (this.state === "error") this.open();
    else if (this.olderError) this.older();
  }

  /**
   * Reads the newest rows again. Known ones are updated in place; new ones go on top, or wait (`hold`).
   * Returns how many went on top.
   */
  async refresh({ hold }) {
    if (this.state === "new" || this.state === "error") {
      await this.open();
      return 0;
    }
    if (this.state !== "ready") return 0;
    const { stop } = this;
    const found = await this.read({ first: FIRST_PAGE, after: null }, { signal: stop?.signal });
    if (stop !== this.stop) return 0;
    this.stale = false;
    const added = this.receive(this.renew(found.edges), found.edges, hold);
    this.changed();
    return added;
  }

  receive(fresh, edges, hold) {
    if (this.hasNewer) return 0;
    this.waiting = fresh;
    // More than a page is new, so there is a gap: the list is read again when the newest are asked for.
    if (fresh.length === edges.length && this.count) this.hasNewer = true;
    if (hold || this.hasNewer) return 0;
    this.showWaiting();
    return fresh.length;
  }

  /** Puts the waiting rows on top. */
  showWaiting() {
    if (!this.waiting.length) return;
    for (const row of this.waiting) {
      row.fresh = true;
      this.known.set(row.cursor, row);
    }
    this.blocks.unshift(block(this.waiting));
    this.waiting = [];
  }

  /** Changes the rows of one message. */
  patch(messageId, change) {
    for (const row of [...this.rows(), ...this.waiting]) {
      if (row.node.message.id === messageId) row.node = { ...row.node, ...change(row.node) };
    }
  }

  /** Whether a row of this message has been read. */
  has(messageId) {
    for (const row of this.rows()) if (row.node.message.id === messageId) return true;
    return false;
  }

  /** The cursor of the row above this one, from which a page starts with this row; null for the first. */
  above(cursor) {
    let before = null;
    for (const row of this.rows()) {
      if (row.cursor === cursor) return before;
      before = row.cursor;
    }
    return null;
  }

  /** The cursor of the row below the one at `at`, whose block is then rendered; null when it was not read. */
  below(at) {
    let found = false;
    for (const each of this.blocks) {
      for (const row of each.rows) {
        if (found) {
          each.inSight = true;
          return row.cursor;
        }
        found = row.cursor === at;
      }
    }
    return null;
  }

  async attempt(work) {
    this.stop = new AbortController();
    const { signal } = this.stop;
    try {
      await work({ signal });
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return;
      this.state = "error";
      this.error = error;
    }
    this.changed();
  }

  async append(page, options) {
    this.take(await this.read(page, options));
  }

  take({ edges, pageInfo }) {
    const rows = edges.filter((edge) => !this.known.has(edge.cursor));
    for (const row of rows) this.known.set(row.cursor, row);
    // Later pages are read before they are in sight.
    const inSight = !this.blocks.length;
    for (let from = 0; from < rows.length; from += BLOCK_ROWS) this.blocks.push(block(rows.slice(from, from + BLOCK_ROWS), { inSight }));
    this.hasOlder = pageInfo.hasNextPage;
    this.end = pageInfo.endCursor ?? this.end;
  }

  /** Updates known rows; returns the new ones. */
  renew(edges) {
    const fresh = [];
    for (const edge of edges) {
      const row = this.known.get(edge.cursor);
      if (row) row.node = edge.node;
      else fresh.push(edge);
    }
    return fresh;
  }
}
