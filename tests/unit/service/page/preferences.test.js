// What a reader chooses holds at once and after a reload; what does not fit is the browser's.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { applyPreferences, chosenPreference, onPreference, preference, setPreference } from "../../../../service/page/preferences.js";

const NAMES = ["theme", "language", "zone", "density", "letters"];

beforeEach(() => NAMES.forEach((name) => setPreference(name, null)));

test("without a choice the browser's language and zone are in effect, and nothing is said to be chosen", () => {
  assert.deepEqual(NAMES.map(chosenPreference), [null, null, null, null, null]);
  assert.deepEqual([preference("theme"), preference("density"), preference("letters")], ["system", "normal", true]);
  assert.equal(preference("zone"), new Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test("the browser's first language that the page speaks is taken, with its region", (t) => {
  const browser = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  t.after(() => (browser ? Object.defineProperty(globalThis, "navigator", browser) : delete globalThis.navigator));
  const taken = (...languages) => {
    Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    return preference("language");
  };
  assert.deepEqual([taken("fr-FR", "en-GB"), taken("de-AT", "en"), taken("en"), taken("fr"), taken("EN-au")], ["en-GB", "de-AT", "en-US", "en-US", "EN-au"]);
});

test("what the browser has is looked up once, and again when the page is looked at again", (t) => {
  document.dispatchEvent(new Event("visibilitychange"));
  const made = t.mock.method(Intl, "DateTimeFormat");
  for (let row = 0; row < 100; row += 1) preference("zone");
  assert.equal(made.mock.callCount(), 1);
  document.dispatchEvent(new Event("visibilitychange"));
  preference("zone");
  assert.equal(made.mock.callCount(), 2);
});

test("a choice holds at once, is kept, and is taken back by null", () => {
  const heard = [];
  const stop = onPreference(() => heard.push(preference("zone")));
  setPreference("zone", "Europe/Berlin");
  setPreference("theme", "dark");
  setPreference("letters", false);
  setPreference("density", "compact");
  assert.deepEqual(JSON.parse(localStorage.getItem("preferences")), { zone: "Europe/Berlin", theme: "dark", letters: false, density: "compact" });
  assert.deepEqual({ ...document.documentElement.dataset }, { theme: "dark", density: "compact" });
  setPreference("zone", null);
  assert.notEqual(heard[0], undefined);
  assert.equal(heard[0], "Europe/Berlin");
  assert.equal(chosenPreference("zone"), null);
  stop();
  setPreference("theme", "light");
  assert.equal(heard.length, 5);
});

test("a value that is none, and storage that refuses, break nothing", (t) => {
  for (const [name, value] of [["theme", "pink"], ["zone", "Mars/Olympus"], ["language", "xx"], ["letters", "no"], ["density", 3]]) {
    setPreference(name, value);
    assert.equal(chosenPreference(name), null, name);
  }
  const { setItem } = localStorage;
  t.after(() => (localStorage.setItem = setItem));
  localStorage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  setPreference("theme", "dark");
  applyPreferences();
  assert.equal(preference("theme"), "dark");
});
