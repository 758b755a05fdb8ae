// Keys between the rows of a list: the arrows, and J and K where keys of one letter may act.
import { mayAct } from "../keys.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const LETTERS = { j: 1, k: -1 };

/** `@keydown` of a list whose rows have `data-cursor`: in each the first of these selectors that it has gets the focus. */
export const rowKeys = (...targets) => (event) => {
  const step = STEPS[event.key] ?? (mayAct(event) ? LETTERS[event.key.toLowerCase()] : undefined);
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const rows = [...event.currentTarget.querySelectorAll("[data-cursor]")];
  const next = rows[rows.findIndex((row) => row.contains(event.target)) + step];
  const target = next && targets.map((selector) => next.querySelector(selector)).find(Boolean);
  if (!target) return;
  event.preventDefault();
  target.focus();
};
