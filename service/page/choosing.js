// Which rows of a list are chosen: by box, X and Shift with arrows, all that are loaded, or all that match.

export class Choosing {
  /** `max` is how many ids a filter of the API takes; more are chosen only by `chooseEverything`. */
  constructor({ max = 1_000 } = {}) {
    this.max = max;
    this.clear();
  }

  clear() {
    this.ids = new Set();
    /** The row from which a range starts. */
    this.anchor = null;
    /** What the last range chose beyond what was chosen: a shorter one lets it go. */
    this.ranged = [];
    /** How many match when all of them are chosen, also those that are not loaded; else null. */
    this.everything = null;
  }

  get size() {
    return this.everything ?? this.ids.size;
  }

  has(id) {
    return this.everything !== null || this.ids.has(id);
  }

  /** Chooses one row, or lets it go. Of everything that is chosen, one cannot be taken out: the choice starts anew. */
  toggle(id) {
    this.ranged = [];
    if (this.everything !== null) this.clear();
    else if (this.ids.delete(id)) {
      this.anchor = id;
      return;
    }
    this.add([id]);
    this.anchor = id;
  }

  /** Chooses all rows from the one that was chosen last to this one, and no others of the range before; `ids` are the loaded rows in order. */
  range(id, ids) {
    const [from, to] = [ids.indexOf(this.anchor ?? id), ids.indexOf(id)];
    this.everything = null;
    if (to < 0) return;
    for (const each of this.ranged) this.ids.delete(each);
    const wanted = from < 0 ? [id] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.ranged = wanted.filter((each) => !this.ids.has(each));
    this.add(wanted);
    this.anchor ??= id;
  }

  /** Chooses the loaded rows, as many as the API takes; where all of them are chosen already, lets all go. */
  all(ids) {
    const whole = this.everything === null && ids.length > 0 && ids.slice(0, this.max).every((id) => this.ids.has(id));
    this.clear();
    if (!whole) this.add(ids);
  }

  /** Chooses all that match, of which there are `count`. */
  chooseEverything(count) {
    this.everything = count;
  }

  /** Back from all that match to those that are loaded. */
  onlyLoaded(ids) {
    this.clear();
    this.add(ids);
  }

  add(ids) {
    for (const id of ids) if (this.ids.size < this.max) this.ids.add(id);
  }
}
