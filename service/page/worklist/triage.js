// Rows that are settled one by one: keys, buttons, plans, and what was just done with its Undo. The two views of the
// worklist are made of it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { digitOf } from "../bulk-bar.js";
import { said } from "../language.js";
import { SheetDialog, infoOf } from "../message/sheet-dialog.js";
import { focusPlan, plan } from "../plan.js";
import { preference } from "../preferences.js";
import { readFound } from "./queries.js";
import { ReadingMail } from "./reading-mail.js";
import { face } from "./rows.js";

/** Milliseconds between two readings of what waits. */
const POLL_MS = 5_000;
/** Milliseconds that a list may be behind. */
const BEHIND_MS = 20_000;
/** In place of a row's key: the first row gets the focus. */
const FIRST = "";
/** Messages whose decisions can be taken back together: as many as one page has. */
const MOST_TAKEN_BACK = 100;
const STEP = { ArrowDown: 1, ArrowUp: -1 };
const LETTER_STEP = { j: 1, k: -1 };

export class Triage {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    /** The plan that is open: `{ key, decision, seen, busy, fault }`; `key` is of its row, null of the chosen rows. */
    this.asked = null;
    /** Why an action on a row was not done, and what came of one that leaves it there, by its key. */
    this.faults = new Map();
    this.notes = new Map();
    this.running = new Set();
    /** When rows were settled here, by key. */
    this.settled = new Map();
    /** Messages of incidents of one, by id. */
    this.singles = new Map();
    this.focusNext = null;
    this.focusOnPlan = false;
    this.reading = new ReadingMail(this);
    this.sheet = new SheetDialog(app, {
      rows: () => this.rows().map((row) => this.faceOf(row).message).filter(Boolean), reread: () => this.poll(), home: () => this.link(this.rows()[0]?.key),
    });
    this.onShown = () => !document.hidden && this.poll();
    document.addEventListener("visibilitychange", this.onShown);
    this.stop = new AbortController();
    this.timer = setInterval(() => !document.hidden && this.poll(), POLL_MS);
  }

  get title() {
    return said.worklist.title;
  }

  leave() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.onShown);
    this.stop.abort();
    this.sheet.show(null);
  }

  arrive(place) {
    this.place = place;
    this.sheet.show(infoOf(place));
  }

  resume() {
    this.sheet.resume();
    this.poll();
  }

  /** Calls the API; the session and the network are watched. */
  call(read) {
    return this.app.guard(read)({ signal: this.stop.signal });
  }

  faceOf(row) {
    const single = row.kind === "incident" && row.value.messages === 1 ? this.singles.get(row.value.filter.ids[0]) : null;
    return face(row, { single, read: (mail, options) => this.reading.open(mail, options), readIds: (filter) => this.readIds(filter) });
  }

  /** The ids of a filter's messages; null when there are more than can be taken back together. */
  async readIds(filter) {
    const { edges, pageInfo } = await readFound(filter, { first: MOST_TAKEN_BACK, after: null });
    return pageInfo.hasNextPage ? null : edges.map(({ node }) => node.id);
  }

  // Plans -----------------------------------------------------------------------------------------------------------

  /** Opens the plan of a decision: read first what it will do. */
  async ask(key, decision) {
    const asked = { key, decision, seen: null, busy: true, fault: null };
    this.asked = asked;
    this.faults.delete(key);
    this.focusOnPlan = true;
    this.app.changed();
    await this.prepare(asked);
  }

  async prepare(asked) {
    try {
      asked.seen = await this.call(() => asked.decision.prepare());
    } catch (error) {
      asked.fault = error.message || said.worklist.unread;
    }
    asked.busy = false;
    this.focusOnPlan = this.asked === asked;
    this.app.changed();
  }

  async confirm(form) {
    const { asked } = this;
    if (!asked?.seen || asked.busy) return;
    Object.assign(asked, { busy: true, fault: null });
    this.app.changed();
    try {
      const done = await this.call(() => asked.decision.act(asked.seen, form));
      this.asked = null;
      this.done(asked.key, done);
    } catch (error) {
      await this.refused(asked, error);
    }
    this.app.changed();
  }

  /** Why it was not done; a plan that is too old is made anew. */
  async refused(asked, error) {
    asked.busy = false;
    asked.fault = error.message || said.worklist.unread;
    if (!error.userErrors?.some(({ code }) => code === "PREVIEW_EXPIRED")) return;
    asked.fault = said.worklist.plan.expired;
    await this.prepare(asked);
  }

  back = () => {
    const { key } = this.asked;
    this.asked = null;
    this.focusNext = key;
    this.app.changed();
  };

  /** Whether a plan or a mail is open below this row. */
  isOpen(key) {
    return this.asked?.key === key || this.reading.key === key;
  }

  /** The open plan of this row, or of the chosen rows (null). */
  planOf(key) {
    const { asked } = this;
    if (!asked || asked.key !== key) return nothing;
    const { decision, seen, busy, fault } = asked;
    return plan({
      heading: decision.heading(seen), lines: seen ? decision.lines(seen) : [html`${said.worklist.plan.counting}`], fields: decision.fields,
      confirm: seen ? decision.confirm(seen) : decision.waiting(), busy, fault, act: (form) => this.confirm(form), back: this.back,
    });
  }

  // What is done at once --------------------------------------------------------------------------------------------

  async press(row, action, event) {
    if (row.gone || this.running.has(row.key) || this.app.offline) return;
    if (action.place) this.app.follow(event, action.place);
    else if (action.ask) await this.ask(row.key, action.ask());
    else await this.run(row, action);
  }

  async run(row, { run }) {
    this.running.add(row.key);
    this.faults.delete(row.key);
    this.app.changed();
    try {
      const done = await this.call(() => run());
      this.running.delete(row.key);
      if (done?.text) this.done(row.key, done);
      if (done?.note) this.notes.set(row.key, { note: done.note, since: row.since });
    } catch (error) {
      this.running.delete(row.key);
      this.faults.set(row.key, error.message || said.worklist.unread);
    }
    this.app.changed();
  }

  /** Settled: the rows leave, the next has the keyboard, and what was done can be undone. */
  done(key, { text, undo }) {
    const back = this.leaves(key);
    this.app.undoable(text, undo && (async () => {
      await this.app.guard(undo)();
      await back();
    }));
    this.poll();
  }

  /** Takes settled rows off, of the row with this key or of those chosen (null); returns what brings them back. */
  leaves(key) {
    const rows = this.rows();
    const here = rows.findIndex((row) => row.key === key);
    this.focusNext = (here < 0 ? null : (rows[here + 1] ?? rows[here - 1])?.key) ?? FIRST;
    const keys = this.take(key);
    for (const each of keys) this.settled.set(each, Date.now());
    return async () => {
      for (const each of keys) this.settled.delete(each);
      // The view may have been left since.
      if (this.stop.signal.aborted) return;
      await this.bringBack();
      this.focusNext = key ?? FIRST;
      this.app.changed();
    };
  }

  /** Whether a row was settled here just now, and a list that is some seconds behind still has it. */
  isSettled(row) {
    const since = this.settled.get(row.key);
    return since !== undefined && Date.now() - since < BEHIND_MS && !(Date.parse(row.since) > since);
  }

  /** Whether rows are chosen, which have a bar of their own. */
  get isChoosing() {
    return false;
  }

  /** Whether a list may still count what was settled here just now. */
  get isBehind() {
    return [...this.settled.values()].some((at) => Date.now() - at < BEHIND_MS);
  }

  // Keys ------------------------------------------------------------------------------------------------------------

  onKey = (event) => this.rowKey(event);

  rowKey(event) {
    const row = this.rowOf(event.target);
    if (!row || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(".plan, .wl-reading, dialog")) return undefined;
    const letters = preference("letters");
    const step = STEP[event.key] ?? (letters ? LETTER_STEP[event.key] : undefined);
    if (step) return this.moveBy(event, row, step);
    const digit = letters ? digitOf(event) : null;
    const action = digit === null || this.app.readOnly ? null : this.faceOf(row).actions[digit];
    if (!action) return undefined;
    event.preventDefault();
    return this.press(row, action, event);
  }

  moveBy(event, row, step) {
    const rows = this.rows();
    const next = rows[rows.findIndex((each) => each.key === row.key) + step];
    event.preventDefault();
    this.link(next?.key)?.focus();
    return next;
  }

  rowOf(element) {
    const key = element.closest?.("[data-row]")?.dataset.row;
    return this.rows().find((row) => row.key === key) ?? null;
  }

  /** The element of a row that has the keyboard: its name. */
  link(key) {
    return key ? document.querySelector(`[data-row="${CSS.escape(key)}"] .wl-open`) : null;
  }

  open(row, shown, event) {
    if (shown.message && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      this.sheet.open(shown.message);
    } else if (shown.open) shown.open();
    else if (shown.place) this.app.follow(event, shown.place);
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  drawn(root) {
    this.sheet.drawn(root);
    this.reading.drawn(root);
    if (this.focusOnPlan && focusPlan(root)) this.focusOnPlan = false;
    if (this.focusNext === null) return;
    const wanted = this.focusNext;
    this.focusNext = null;
    (this.link(wanted) ?? this.link(this.rows()[0]?.key) ?? document.getElementById("main"))?.focus({ preventScroll: wanted === FIRST });
  }
}
