// What is done to many messages: its plan by the API's preview, then the mutation with the preview's token, and Undo.
import { html } from "../vendor/lit-html/lit-html.js";
import { Offline } from "../errors.js";
import { said } from "../language.js";
import { number } from "../numbers.js";
import { focusPlan, plan, planLine, stayLines } from "../plan.js";
import { act, preview, undoAll } from "./queries.js";
import { words } from "../words.js";

/** In the order of the bar: the digits follow what is seen. */
export const BULK_ACTIONS = ["RETRY", "ASSUME_SENT", "CANCEL", "RETRY_TO_PRESENT_ADDRESS", "DISMISS"];
/** Actions that the API takes back, one message at a time. */
const UNDOABLE = ["ASSUME_SENT", "DISMISS"];
/** Messages whose decision is taken back at most: five requests. */
const MAX_UNDONE = 100;
/** Causes that a plan names; the rest is the difference. */
const MAX_CAUSES = 4;

export class BulkPlan {
  /** `done({ action, ids })` is called after the act; `closed()` when the plan is left. */
  constructor(app, { done, closed }) {
    this.app = app;
    this.done = done;
    this.closed = closed;
    this.preview = app.guard(preview);
    this.act = app.guard(act);
    this.undoAll = app.guard(undoAll);
    this.reset();
  }

  reset() {
    /** The action that is planned, or null. */
    this.action = null;
    this.found = null;
    this.busy = false;
    this.fault = null;
  }

  /**
   * Plans an action on what `asked` finds. `rows` are the chosen rows as far as they are loaded, `whole` whether that is
   * all of them.
   */
  async open(action, asked, { rows, whole }) {
    this.reset();
    Object.assign(this, { action, asked, rows, whole, busy: true });
    this.app.changed();
    focusNext();
    await this.read();
    focusNext();
  }

  async read() {
    const { action } = this;
    this.busy = true;
    try {
      const found = await this.preview(action, this.asked);
      if (this.action === action) this.found = found;
    } catch (error) {
      this.fault = error instanceof Offline ? said.messages.unreachable : error.message;
    }
    this.busy = false;
    this.app.changed();
  }

  back = () => {
    this.reset();
    this.closed();
    this.app.changed();
  };

  confirm = async () => {
    const { action, found, rows } = this;
    this.busy = true;
    this.fault = null;
    this.app.changed();
    try {
      const result = await this.act(action, found.token);
      const ids = this.undone(result);
      this.reset();
      this.done({ action, ids: rows.map((row) => row.id) });
      this.tell(action, result, ids);
    } catch (error) {
      this.fault = error instanceof Offline ? said.messages.mayBeDone : error.message;
      this.busy = false;
      // What was planned is over: a new plan, and why.
      if (error.userErrors?.some((each) => each.code === "PREVIEW_EXPIRED")) await this.read();
    }
    this.app.changed();
  };

  /** The ids whose decision can be taken back: only where they are known to be just those that were decided. */
  undone({ done, skipped }) {
    const ids = this.rows.filter((row) => row.actions.includes(this.action)).map((row) => row.id);
    const exact = this.whole && skipped === 0 && done === ids.length && ids.length <= MAX_UNDONE;
    return exact && UNDOABLE.includes(this.action) ? ids : null;
  }

  tell(action, { done, skipped }, ids) {
    const text = said.messages.done[action](done) + (skipped ? ` ${said.messages.skipped(skipped)}` : "");
    const undo = ids && (async () => {
      try {
        await this.undoAll(ids);
      } finally {
        this.done({ action: "UNDO", ids });
      }
    });
    if (this.app.undoable) this.app.undoable(text, undo);
    else this.app.announce(text);
  }

  /** The plan; nothing of it is drawn before the API has answered, but its heading. */
  view() {
    const { action, found, fault, busy } = this;
    const text = said.messages.plans[action];
    const { length } = this.rows;
    const wanted = this.whole || !found ? length : found.messages + found.notAllowed;
    return plan({
      heading: text.heading(wanted),
      lines: found ? this.lines(found) : [said.messages.planning],
      confirm: found?.token ? text.confirm(found.messages) : null,
      busy, fault,
      act: this.confirm,
      back: this.back,
    });
  }

  lines({ messages, stay, causes, more, uncertain }) {
    const text = said.messages.plans[this.action];
    const lines = [messages ? planLine(messages, text.will, causesOf(causes)) : html`${said.messages.nothingToDo}`];
    if (uncertain) lines.push(planLine(uncertain.value, said.messages.mayArriveTwice));
    lines.push(...stayLines(stay, text.why));
    if (more) lines.push(html`${said.messages.more}`);
    return lines;
  }
}

/** "271 the mailbox is full, 11 no such mailbox", the most first. */
function causesOf(causes) {
  const named = causes.filter((each) => each.cause).slice(0, MAX_CAUSES);
  return named.length ? named.map((each) => `${number(each.messages)}\u00a0× ${words.cause(each.cause)}`).join("; ") : undefined;
}

/** After the next rendering. */
const focusNext = () => requestAnimationFrame(() => focusPlan());



