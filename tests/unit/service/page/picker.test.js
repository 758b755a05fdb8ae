// A field that finds by name: the last question's answer counts, and Enter waits for it.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, pending, settled } from "./browser.js";
import { Picker } from "../../../../service/page/picker.js";

let answers;
let picked;
let picker;
const key = (name) => ({ key: name, preventDefault() {}, stopPropagation() {} });
const options = (...names) => names.map((text) => ({ id: text, text }));

beforeEach(() => {
  [answers, picked] = [[], []];
  const read = (search) => {
    const made = pending();
    answers.push({ search, ...made });
    return made.promise;
  };
  picker = new Picker({ id: "p", label: "List", read, pick: ({ text }) => picked.push(text), changed: () => {} });
});

test("Enter before the answer takes its first option", async () => {
  picker.type("spr");
  picker.key(key("Enter"));
  assert.equal(answers.length, 1);
  answers[0].resolve(options("Spring", "Sprint"));
  await settled();
  assert.deepEqual([picked, picker.text, picker.options], [["Spring"], "", null]);
});

test("arrows go round, and the one in sight is named to the screen reader", async () => {
  picker.key(key("ArrowDown"));
  answers[0].resolve(options("A", "B"));
  await settled();
  picker.key(key("ArrowUp"));
  assert.match(markup(picker.view()), /aria-activedescendant=p-1/);
  picker.key(key("Enter"));
  assert.deepEqual(picked, ["B"]);
});

test("an answer to an older question is dropped", async () => {
  picker.type("a");
  picker.find();
  picker.type("ab");
  picker.find();
  answers[1].resolve(options("New"));
  await settled();
  answers[0].resolve(options("Old"));
  await settled();
  assert.deepEqual(picker.options.map(({ text }) => text), ["New"]);
});

test("Escape closes, then empties, then is the page's", async () => {
  picker.type("a");
  picker.find();
  answers[0].resolve(options("A"));
  await settled();
  picker.key(key("Escape"));
  assert.deepEqual([picker.options, picker.text], [null, "a"]);
  picker.key(key("Escape"));
  assert.equal(picker.text, "");
  let left = true;
  picker.key({ ...key("Escape"), preventDefault: () => { left = false; } });
  assert.ok(left);
});

test("what cannot be read says why, and what finds nothing says so", async () => {
  picker.find();
  answers[0].reject(new Error("Too slow."));
  await settled();
  assert.match(markup(picker.view()), /Too slow\./);
  picker.type("zzz");
  picker.find();
  answers[1].resolve([]);
  await settled();
  assert.match(markup(picker.view()), /Nothing is called “zzz”/);
});
