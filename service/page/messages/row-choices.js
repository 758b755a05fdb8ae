// Which row has the keyboard, which rows are chosen, and what is done with them: by box, keys, and the bar below.
import { digitOf } from "../bulk-bar.js";
import { BULK_ACTIONS, BulkPlan } from "./bulk-plan.js";
import { Choosing } from "../choosing.js";
import { isFiltered } from "./filter.js";
import { mayAct } from "../keys.js";
import { said } from "../language.js";

/** Messages that one plan may act on; the API takes the oldest of more. */
export const MAX_BULK = 10_000;

export class RowChoices {
  /** `view` is the list: it has the rows, the popover, and reads rows again. */
  constructor(view) {
    this.view = view;
    this.app = view.app;
    this.choosing = new Choosing();
    this.plan = new BulkPlan(view.app, { done: (what) => this.acted(what), closed: () => this.focusHere() });
    /** The row with the keyboard. */
    this.here = null;
    this.onKey = (event) => this.digit(event);
    document.addEventListener("keydown", this.onKey);
  }

  stop() {
    document.removeEventListener("keydown", this.onKey);
  }

  /** Another list: nothing of it is chosen. */
  reset() {
    this.choosing.clear();
    this.plan.reset();
    this.here = null;
  }

  get size() {
    return this.choosing.size;
  }

  has = (id) => this.choosing.has(id);

  /** The chosen rows as far as they are loaded. */
  get rows() {
    return [...this.view.list.rows()].map((row) => row.node).filter((node) => this.has(node.id));
  }

  toggle = (id) => {
    this.choosing.toggle(id);
    this.chose();
  };

  range = (id) => {
    this.choosing.range(id, this.view.ids());
    this.chose();
  };

  loaded = () => {
    this.choosing.all(this.view.ids());
    this.chose();
  };

  /** Back from all that match to those that are loaded. */
  onlyLoaded = () => {
    this.choosing.onlyLoaded(this.view.ids());
    this.chose();
  };

  everything = () => {
    this.choosing.chooseEverything(this.view.total.value);
    this.chose();
  };

  clear = () => {
    this.choosing.clear();
    this.chose();
    this.focusHere();
  };

  chose() {
    this.plan.reset();
    this.app.announce(said.shared.chosen(this.size));
    this.app.changed();
  }

  /** Whether more match than are chosen: not all of the history, and not more than one plan takes. */
  get canChooseAll() {
    const { total, place } = this.view;
    return Boolean(total && isFiltered(place.query) && total.value > this.choosing.ids.size && !this.tooMany);
  }

  get tooMany() {
    const { total, place } = this.view;
    return Boolean(total && isFiltered(place.query) && (total.value > MAX_BULK || total.precision === "AT_LEAST"));
  }

  /** The actions that apply to at least one of the chosen rows that are loaded. */
  get actions() {
    const possible = new Set(this.rows.flatMap((node) => node.actions));
    return BULK_ACTIONS.filter((action) => possible.has(action)).map((action) => ({ name: said.message.actions[action], run: () => this.openPlan(action) }));
  }

  /** What the API is asked about the chosen rows: their ids, or all that the list finds. */
  get asked() {
    const { filter, search, orderBy } = this.view.asked;
    if (this.choosing.everything === null) return { filter: { ids: [...this.choosing.ids] }, search: null, orderBy };
    // A search alone is no filter for a plan: it is about all mail until now.
    return { filter: Object.keys(filter).length ? filter : { occurredAt: { until: new Date().toISOString() } }, search, orderBy };
  }

  openPlan(action) {
    const { filter, search } = this.asked;
    return this.plan.open(action, { filter, search }, { rows: this.rows, whole: this.choosing.everything === null });
  }

  /** An action was done: the rows say what is true now, and nothing is chosen. */
  acted({ ids }) {
    this.choosing.clear();
    this.view.reread(ids);
    this.focusHere();
  }

  // Keys --------------------------------------------------------------------------------------------------------------

  /** A digit presses the button of the bar with its number. */
  digit(event) {
    const place = this.size && !this.plan.action && !this.app.readOnly && !this.app.offline ? digitOf(event) : null;
    const action = place === null ? null : this.actions[place];
    if (!action) return;
    event.preventDefault();
    action.run();
  }

  keys = (event) => {
    if (event.metaKey || event.altKey || event.isComposing) return;
    if (event.ctrlKey) {
      if (event.key.toLowerCase() !== "a" || event.shiftKey || this.app.readOnly) return;
      event.preventDefault();
      this.loaded();
      return;
    }
    if (this.move(event) || event.shiftKey) return;
    const act = this.actOf(event);
    if (!act) return;
    event.preventDefault();
    act();
  };

  actOf(event) {
    const { key, target } = event;
    const isRow = target.matches?.("[data-message]");
    if (key === "Enter" && isRow) return () => this.view.dialog.open(this.here);
    if (this.app.readOnly) return null;
    if (key === "Escape" && this.size) return this.clear;
    if ((key === " " && isRow) || (key.toLowerCase() === "x" && mayAct(event))) return () => this.toggle(this.here);
    return null;
  }

  /** An arrow, J or K: the row below or above has the keyboard; with Shift it is chosen, too. */
  move(event) {
    const letters = !event.shiftKey && mayAct(event) ? { j: 1, k: -1 } : {};
    const step = { ArrowDown: 1, ArrowUp: -1, ...letters }[event.key];
    if (!step) return false;
    event.preventDefault();
    const ids = this.view.ids();
    const next = ids[ids.indexOf(this.here) + step];
    if (!next) return true;
    if (event.shiftKey && !this.app.readOnly) {
      if (!this.size) this.choosing.toggle(this.here);
      this.range(next);
    }
    // From an info button the arrows move to the next info button.
    this.focusRow(next, event.target.matches?.(".info-button") ? ".info-button" : null);
    return true;
  }

  focusRow(id, part = null) {
    this.here = id;
    this.view.afterDrawing(() => {
      const row = document.querySelector(`#messages [data-message="${id}"]`);
      (part ? row?.querySelector(part) : row)?.focus();
    });
  }

  focusHere() {
    if (this.here) this.focusRow(this.here);
    else this.app.changed();
  }

  focused = (id) => {
    if (id === this.here) return;
    this.here = id;
    this.app.changed();
  };
}
