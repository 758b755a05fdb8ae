// What a view does after its next rendering: focus and scrolling, which a template cannot express.

export class Drawings {
  /** `changed()` draws. */
  constructor(changed) {
    this.changed = changed;
    this.works = [];
  }

  /** Runs `work` after the next rendering, and asks for one. */
  after = (work) => {
    this.works.push(work);
    this.changed();
  };

  /** After each rendering. */
  drawn() {
    for (const work of this.works.splice(0)) work();
  }
}
