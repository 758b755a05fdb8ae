// Every language of the page is complete: the same keys, functions with the same parameters, nothing empty, nothing left in English.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import "./browser.js";
import { loadLanguage, said, withWords } from "../../../../service/page/language.js";
import { LANGUAGES } from "../../../../service/page/preferences.js";
import { VIEWS } from "../../../../service/page/views.js";

const DIRECTORY = new URL("../../../../service/page/languages/", import.meta.url);
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith(".js"));
const wordsOf = async (file) => (await import(new URL(file, DIRECTORY))).words;

/** Every text as [path, kind], where the kind of a function has the number of its parameters. */
function* texts(value, path = "") {
  if (value !== null && typeof value === "object") {
    for (const [name, each] of Object.entries(value)) yield* texts(each, path ? `${path}.${name}` : name);
  } else {
    yield [path, typeof value === "function" ? `function of ${value.length}` : value === null ? "null" : typeof value];
  }
}

test("every language has the same keys, and functions with the same parameters", async () => {
  const english = Object.fromEntries(texts(await wordsOf("en.js")));
  assert.ok(Object.keys(english).length > 200);
  for (const file of FILES) assert.deepEqual(Object.fromEntries(texts(await wordsOf(file))), english, file);
});

test("there is a file for every language that can be chosen, and none besides", () => {
  assert.deepEqual(FILES.map((name) => name.slice(0, 2)).sort(), [...new Set(LANGUAGES.map((each) => each.slice(0, 2)))].sort());
});

test("no text is empty, and nothing reads as a placeholder", async () => {
  for (const file of FILES) {
    for (const [path] of texts(await wordsOf(file))) {
      const value = path.split(".").reduce((found, name) => found[name], await wordsOf(file));
      if (typeof value === "string") assert.match(value, /\S/, `${file}: ${path}`);
      if (typeof value === "string") assert.doesNotMatch(value, /TODO|FIXME|XXX/, `${file}: ${path}`);
    }
  }
});

test("a sentence of four words or more is not the same in two languages", async () => {
  const [english, german] = [await wordsOf("en.js"), await wordsOf("de.js")];
  for (const [path, kind] of texts(english)) {
    const read = (words) => path.split(".").reduce((found, name) => found[name], words);
    if (kind === "string" && read(english).split(/\s+/).length > 3) assert.notEqual(read(german), read(english), path);
  }
});

test("every view has its name in the bar", async () => {
  for (const file of FILES) assert.deepEqual(Object.keys((await wordsOf(file)).shell.views), Object.keys(VIEWS));
});

test("American and British English differ in how they write canceled, and a document says its language", async () => {
  await loadLanguage("en-US");
  assert.equal(said.words.statusShort.CANCELLED, "Canceled");
  assert.equal(said.shell.ages.hours(3), "3 h");
  assert.equal(document.documentElement.lang, "en-US");
  await loadLanguage("en-GB");
  assert.equal(said.words.statusShort.CANCELLED, "Cancelled");
  await loadLanguage("de");
  assert.equal(said.words.statusShort.CANCELLED, "Abgebrochen");
  assert.equal(document.documentElement.lang, "de");
});

test("the language that was chosen last is shown, whichever was asked for first", async () => {
  const first = loadLanguage("de");
  const second = loadLanguage("en-GB");
  await first;
  assert.deepEqual([said.words.statusShort.CANCELLED, document.documentElement.lang], ["Cancelled", "en-GB"]);
  await second;
  assert.equal(said.words.statusShort.CANCELLED, "Cancelled");
});

test("a module comes with the words that it shows, in the language that is shown", async () => {
  await loadLanguage("de");
  const module = await withWords(import("../../../../service/page/numbers.js"), "gateway");
  assert.ok(module.number);
  assert.equal(said.shell.views.worklist, "Arbeitsliste");
  await assert.rejects(withWords(Promise.reject(new TypeError("gone"))), /konnte nicht geladen werden/);
});

test("the usual advice of every cause is said in German, a special one in the API's own words", async () => {
  const rules = readFileSync(new URL("../../../../gateway/rules/verdicts.toml", import.meta.url), "utf8");
  const [, usual] = /^\[advice\]\n([^[]+)/m.exec(rules);
  const uncertain = [...rules.matchAll(/^after_dot = true\n[^]*?cause = "(\w+)"\n[^]*?advice = "(.+)"$/gm)];
  const given = [...[...usual.matchAll(/^(\w+) = "(.+)"$/gm)], ...uncertain];
  assert.ok(given.length > 20);
  await loadLanguage("de");
  for (const [, cause, text] of given) assert.notEqual(said.words.advice(cause, text), text, cause);
  assert.equal(said.words.advice("BAD_ADDRESS", "An invisible character."), "An invisible character.");
  assert.match(said.words.solution({ kind: "ASK", text: "Ask.", address: null }, "TIMEOUT"), /Fragen Sie den Kunden/);
  await loadLanguage("en-US");
  assert.equal(said.words.advice("TIMEOUT", "Nothing was sent."), "Nothing was sent.");
});
