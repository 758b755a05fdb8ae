// Chips, choosing, the bulk bar and the plan: what every list shares.
import { test } from "node:test";
import assert from "node:assert/strict";
import { markup } from "./browser.js";
import { bulkBar, digitOf } from "../../../../service/page/bulk-bar.js";
import { Choosing } from "../../../../service/page/choosing.js";
import { filterChips } from "../../../../service/page/filter-chips.js";
import { plan, planLine } from "../../../../service/page/plan.js";

const IDS = ["a", "b", "c", "d", "e"];
const chosenOf = (choosing) => IDS.filter((id) => choosing.has(id)).join("");

test("rows are chosen one by one, and a range from the last one in both directions", () => {
  const choosing = new Choosing();
  choosing.toggle("b");
  choosing.range("d", IDS);
  assert.equal(chosenOf(choosing), "bcd");
  choosing.range("a", IDS);
  assert.equal(chosenOf(choosing), "ab", "from where the range began, and no longer than that");
  choosing.toggle("d");
  choosing.range("e", IDS);
  assert.deepEqual([chosenOf(choosing), choosing.size], ["abde", 4], "another range leaves the one before");
  choosing.range("gone", IDS);
  assert.equal(chosenOf(choosing), "abde", "a row that has left the list begins nothing");
});

test("all that is loaded is chosen, and again lets all go", () => {
  const choosing = new Choosing();
  choosing.all(IDS);
  assert.equal(choosing.size, 5);
  choosing.all(IDS);
  assert.equal(choosing.size, 0);
  choosing.all([]);
  assert.equal(choosing.size, 0);
});

test("all that match are chosen, also what is not loaded; one cannot be taken out of them", () => {
  const choosing = new Choosing();
  choosing.all(IDS);
  choosing.chooseEverything(312);
  assert.deepEqual([choosing.size, choosing.has("not loaded")], [312, true]);
  choosing.onlyLoaded(IDS);
  assert.deepEqual([choosing.size, choosing.has("not loaded")], [5, false]);
  choosing.chooseEverything(312);
  choosing.toggle("b");
  assert.equal(chosenOf(choosing), "b", "the choice starts anew");
});

test("no more ids are chosen than a filter of the API takes", () => {
  const choosing = new Choosing({ max: 3 });
  choosing.all(IDS);
  assert.equal(choosing.size, 3);
  choosing.all(IDS);
  assert.equal(choosing.size, 0, "as many as can be are all");
});

test("a digit presses a button by its place on the keyboard, never while something is typed", () => {
  const target = (inField) => ({ closest: () => (inField ? {} : null) });
  const event = (code, more = {}) => ({ code, target: target(false), ...more });
  assert.deepEqual([digitOf(event("Digit1")), digitOf(event("Numpad9")), digitOf(event("Digit0")), digitOf(event("KeyA"))], [0, 8, null, null]);
  assert.equal(digitOf(event("Digit1", { target: target(true) })), null);
  for (const key of ["ctrlKey", "metaKey", "altKey", "shiftKey"]) assert.equal(digitOf(event("Digit1", { [key]: true })), null);
});

test("the bar says how many are chosen and what can be done; a plan takes the place of the buttons", () => {
  const actions = [{ name: "Retry", run: () => {} }, { name: "Assume sent", run: () => {} }];
  const bar = markup(bulkBar({ count: 1_312, actions, clear: () => {} }));
  assert.match(bar, /1,312 chosen[^]*>1<\/kbd>Retry<[^]*>2<\/kbd>Assume sent<[^]*>Clear</);
  assert.equal(markup(bulkBar({ count: 0, actions, clear: () => {} })), "");
  assert.doesNotMatch(markup(bulkBar({ count: 3, actions, clear: () => {}, plan: "the plan" })), /Assume sent/);
});

test("a plan says what will happen, to how many, and its button has the number", () => {
  const shown = plan({ heading: "Retry 312 messages", lines: [planLine(286, "go back to the queue", "271 campaign"), planLine(26, "stay as they are")], confirm: "Retry 286 messages", act: () => {}, back: () => {} });
  assert.match(markup(shown), /<h2[^>]*>Retry 312 messages<[^]*>286<[^]*go back to the queue<small>271 campaign<[^]*>26<[^]*type="submit"[^>]*>Retry 286 messages<[^]*>Back</);
  assert.doesNotMatch(markup(plan({ heading: "Retry", lines: [], confirm: null, act: () => {}, back: () => {} })), /type="submit"/, "nothing would be done");
});

test("a plan is done once while it is busy, and Escape leaves it", () => {
  const done = [];
  globalThis.FormData = class {};
  const listeners = (busy) => plan({ heading: "", lines: [], confirm: "Go", busy, act: () => done.push("act"), back: () => done.push("back") }).values.filter((each) => typeof each === "function");
  const event = (more = {}) => ({ preventDefault() {}, stopPropagation() {}, ...more });
  const [key, submit] = listeners(false);
  submit(event());
  listeners(true)[1](event());
  key(event({ key: "Enter" }));
  key(event({ key: "Escape" }));
  assert.deepEqual(done, ["act", "back"]);
});

test("a chip without a value is outlined with a plus, one with a value names it and has a cross", () => {
  const done = [];
  const chips = [
    { name: "status", label: "Status", value: ["refused"], shown: "Refused", multiple: true, options: [{ value: "refused", text: "Refused", count: 12 }, { value: "held", text: "Held" }] },
    { name: "domain", label: "Domain", value: null, shown: "", input: { placeholder: "example.com" } },
  ];
  const set = (...given) => done.push(given);
  const shown = markup(filterChips({ chips, set, clear: () => {} }));
  assert.match(shown, /class="filter set"[^]*Status <b>Refused<\/b>[^]*Remove the filter Status[^]*menuitemcheckbox[^]*aria-checked=true[^]*>12<[^]*aria-checked=false/);
  assert.match(shown, /<span class="plus" aria-hidden="true">\+<\/span>Domain[^]*placeholder=example\.com/);
  assert.match(shown, />Clear</);
  assert.doesNotMatch(markup(filterChips({ chips: [{ ...chips[0], value: [] }], set, clear: () => {} })), />Clear<|class="filter set"/, "an empty list is no value");
});
