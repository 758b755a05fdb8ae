// The frame of every view: the bar, keys, palette, undo, and the number of what waits.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, pending, settled } from "./browser.js";
import { frame } from "../../../../service/page/frame.js";
import { KeyboardHelp } from "../../../../service/page/keyboard-help.js";
import { Keys } from "../../../../service/page/keys.js";
import { failure } from "../../../../service/page/notices.js";
import { Overlays } from "../../../../service/page/overlays.js";
import { matches, Palette } from "../../../../service/page/palette.js";
import { Places } from "../../../../service/page/places.js";
import { setPreference } from "../../../../service/page/preferences.js";
import { Refused } from "../../../../service/page/errors.js";
import { UndoLine } from "../../../../service/page/undo-line.js";
import { appOfView } from "../../../../service/page/view-app.js";
import { withWords } from "../../../../service/page/language.js";
import { loadView, VIEWS } from "../../../../service/page/views.js";
import { Waiting } from "../../../../service/page/waiting.js";

const listen = { to: () => () => {}, toWorklist: () => {}, openOverlay: () => {} };

function made(values = {}) {
  const done = [];
  return {
    done, offline: false, shown: null, changed: () => {}, announce: (text) => done.push(text), guard: (call) => call, visit: (place) => done.push(place),
    ...listen, openOverlay: (name) => done.push(name), signOut: () => done.push("signed out"), ...values,
  };
}

beforeEach(() => {
  newPage();
  setPreference("letters", null);
});

test("an answer that comes after its view was left leads nowhere; what it says is still said", () => {
  const app = made({ go: (place) => app.done.push(place), query: (change) => app.done.push(change), goBack: () => app.done.push("back") });
  let shown = true;
  const own = appOfView(app, () => shown);
  own.go("one");
  shown = false;
  own.go("two");
  own.query("three");
  own.goBack("four");
  own.visit("five");
  own.announce("Done.");
  assert.deepEqual(app.done, ["one", "Done."]);
});

test("a view that cannot be loaded, as after a new release, says so in words of the page", async () => {
  const { load } = VIEWS.settings;
  document.styleSheets = [{ href: new URL("../../../../service/page/settings/view.css", import.meta.url).href }];
  VIEWS.settings.load = () => withWords(Promise.reject(new TypeError("Failed to fetch dynamically imported module")));
  await assert.rejects(loadView("settings"), (error) => /could not be loaded/.test(error.message) && error.cause instanceof TypeError);
  VIEWS.settings.load = load;
});

// The bar ---------------------------------------------------------------------------------------------

const framed = (values) => markup(frame({ app: made(), session: { name: "Anna" }, current: "messages", waiting: null, fault: null, leave: () => {}, content: "THE VIEW", ...values }));

test("the bar links to every view in three groups, and marks the one that is shown", () => {
  const shown = framed({ waiting: 1052 });
  for (const view of Object.keys(VIEWS)) assert.ok(shown.includes(`href=${view === "worklist" ? "/" : `/${view}`} `), view);
  assert.equal([...shown.matchAll(/aria-current=page/g)].length, 1, "More has no link to it");
  assert.match(shown, /href=\/messages aria-current=page/);
  assert.match(shown, /class="count" title=1,052 things wait for a person>1,052</);
  assert.doesNotMatch(framed({ waiting: 0 }), /class="count"/);
});

test("a session that only reads says so, and nobody signed in has no bar", () => {
  assert.match(framed({ session: { name: "Anna", readOnly: true } }), /Read only/);
  assert.doesNotMatch(framed({}), /Read only/);
  const alone = framed({ session: null });
  assert.doesNotMatch(alone, /<nav/);
  assert.match(alone, /THE VIEW/);
});

test("without the service a banner says that what is shown may be old", () => {
  const app = made({ offline: true });
  const shown = markup(frame({ app, session: { name: "Anna" }, current: "messages", waiting: null, fault: "Not now.", leave: () => {}, content: "" }));
  assert.match(shown, /cannot be reached\. What you see may be out of date[^]*Not now\./);
  assert.match(shown, />Offline</);
});

test("what the caller may not see is said, without another try", () => {
  assert.doesNotMatch(markup(failure(new Refused("It needs the scope mail.", { code: "FORBIDDEN" }), () => {})), /Try again/);
  assert.match(markup(failure(new Refused("Broken.", {}), () => {})), /could not be read[^]*Broken\.[^]*Try again/);
});

// Keys ------------------------------------------------------------------------------------------------

function pressed(keys, key, values = {}) {
  let prevented = false;
  keys.onKey({ key, target: { closest: () => null }, preventDefault: () => (prevented = true), ...values });
  return prevented;
}

test("G and a letter go to a view, and the letter alone does nothing", () => {
  const app = made();
  let now = 0;
  const keys = new Keys({ app, undoLine: { can: false }, now: () => now });
  pressed(keys, "m");
  pressed(keys, "g");
  pressed(keys, "m");
  pressed(keys, "G");
  pressed(keys, ",");
  pressed(keys, "g");
  now = 2_000;
  pressed(keys, "c");
  assert.deepEqual(app.done.map((place) => place.view), ["messages", "settings"]);
});

test("keys of one letter act neither in a field, nor over a dialog, nor when they are switched off; Ctrl K does", () => {
  const app = made();
  const keys = new Keys({ app, undoLine: { can: true, undo: () => app.done.push("undone") } });
  const typing = { target: { closest: (selector) => (selector.includes("input") ? {} : null) } };
  assert.equal(pressed(keys, "?", typing), false);
  setPreference("letters", false);
  assert.equal(pressed(keys, "?"), false);
  assert.equal(pressed(keys, "k", { ctrlKey: true, ...typing }), true);
  setPreference("letters", null);
  document.querySelector = (selector) => (selector === "dialog[open]" ? {} : null);
  assert.equal(pressed(keys, "z"), false);
  document.querySelector = () => null;
  assert.equal(pressed(keys, "z"), true);
  assert.equal(pressed(keys, "?"), true);
  assert.equal(pressed(keys, "/"), false, "a view without a search");
  assert.deepEqual(app.done, ["palette", "undone", "help"]);
});

test("a letter with Shift is another key, and a sign that needs Shift is not", () => {
  const app = made();
  const keys = new Keys({ app, undoLine: { can: true, undo: () => app.done.push("undone") } });
  pressed(keys, "Z", { shiftKey: true });
  pressed(keys, "g");
  pressed(keys, "M", { shiftKey: true });
  assert.equal(pressed(keys, "?", { shiftKey: true }), true);
  assert.deepEqual(app.done, ["help"]);
});

test("a slash goes to the search of the view", () => {
  const done = [];
  document.querySelector = (selector) => (selector.startsWith("#main") ? { focus: () => done.push("focus"), select: () => done.push("select") } : null);
  assert.equal(pressed(new Keys({ app: made(), undoLine: { can: false } }), "/"), true);
  document.querySelector = () => null;
  assert.deepEqual(done, ["focus", "select"]);
});

test("the help lists the views' letters, and the keys of the view that is open", () => {
  const shown = markup(new KeyboardHelp(made({ shown: { actions: () => [{ name: "Export", keys: "E", run: () => {} }, { name: "No key" }] } }), () => {}).view());
  assert.match(shown, /Gateway<\/dt><dd><kbd>G<\/kbd> then <kbd>G</);
  assert.match(shown, /In this view[^]*Export<\/dt><dd><kbd>E</);
  assert.doesNotMatch(shown, /No key/);
});

// Undo ------------------------------------------------------------------------------------------------

test("what was done can be undone until the next action, once, and a failure keeps the button", async () => {
  let acted = 0;
  const line = new UndoLine(() => {}, () => { acted += 1; });
  assert.match(markup(line.view()), /\?hidden=true/);
  const answer = pending();
  line.undoable("38 messages count as sent.", () => answer.promise);
  assert.match(markup(line.view()), /38 messages count as sent\.[^]*Undo</);
  const first = line.undo();
  assert.equal(line.can, false, "not twice");
  answer.reject(new Error("Another was sent since."));
  await first;
  assert.match(markup(line.view()), /was not undone\. Another was sent since\.[^]*Undo</);
  line.last.undo = async () => {};
  await line.undo();
  assert.match(markup(line.view()), /Undone: 38 messages count as sent\./);
  assert.equal(line.can, false);
  assert.equal(acted, 2, "what waits is counted again after the action and after its undo, not after a failure");
  line.undoable("Archived.");
  assert.doesNotMatch(markup(line.view()), /Undo/, "what cannot be undone has no button");
  line.close();
  assert.match(markup(line.view()), /\?hidden=true/);
});

test("what was taken back with the thing that is shown leads elsewhere, and only once it is taken back", async () => {
  const visited = [];
  const line = new UndoLine(() => {}, () => {}, (place) => visited.push(place));
  line.undoable("Copied.", async () => { throw new Error("It was launched since."); }, () => "the campaign");
  await line.undo();
  assert.deepEqual(visited, []);
  line.last.undo = async () => {};
  await line.undo();
  assert.deepEqual(visited, ["the campaign"]);
});

test("an undo that ends after the next action does not take its place", async () => {
  const line = new UndoLine(() => {});
  const answer = pending();
  line.undoable("First.", () => answer.promise);
  const undoing = line.undo();
  line.undoable("Second.", async () => {});
  answer.resolve();
  await undoing;
  assert.match(markup(line.view()), /Second\./);
});

// Palette ---------------------------------------------------------------------------------------------

test("an overlay is closed before the view that one goes to takes the focus", () => {
  const app = { changed: () => {} };
  const overlays = new Overlays(() => app);
  const dialog = { open: true, close: () => { dialog.open = false; } };
  overlays.drawn({ querySelector: () => dialog });
  dialog.open = true;
  overlays.close();
  assert.equal(dialog.open, false);
});

test("names are found by the first letters of their words, whatever their accents", () => {
  assert.ok(matches("wor", "Worklist") && matches("zur", "Zürich office") && matches("off zü", "Zürich office") && matches("", "anything"));
  assert.ok(!matches("list", "Worklist"));
});

const DATA = {
  PaletteCustomers: { customers: { edges: [{ node: { id: "Customer_7", externalRef: "C-7", name: "Anna Keller", addresses: [{ address: "anna@x.example", primary: true }] } }] } },
  PaletteMessages: { messages: { edges: [{ node: { id: "Message_7_1", subject: "Receipt", occurredAt: "2026-11-23T12:00:00Z", info: { status: "REFUSED" }, customer: { name: "Anna Keller" } } }] } },
};

function answering(t, answer = (operation) => ({ data: DATA[operation] })) {
  const asked = [];
  globalThis.fetch = async (_, { body }) => {
    const { query, variables } = JSON.parse(body);
    asked.push(variables?.search);
    return { status: 200, json: async () => answer(query.match(/query (\w+)/)[1]) };
  };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  return asked;
}

async function typed(t, palette, ...texts) {
  for (const text of texts) palette.type(text);
  t.mock.timers.tick(150);
  for (let turn = 0; turn < 5; turn += 1) await settled();
}

test("views are found at once, customers, messages and campaigns when the typing pauses", async (t) => {
  const asked = answering(t, (operation) => (operation === "PaletteCampaigns" ? { errors: [{ message: "No.", extensions: {} }] } : { data: DATA[operation] }));
  const app = made();
  const palette = new Palette(app, () => app.done.push("closed"));
  palette.type("cust");
  assert.deepEqual(palette.items().map(({ name }) => name), ["Customers"]);
  await typed(t, palette, "an", "anna");
  assert.deepEqual(asked, ["anna", "anna", "anna"], "only the last is asked for, of each kind");
  assert.deepEqual(palette.groups().map(([group]) => group), ["customers", "messages"]);
  const shown = markup(palette.view());
  assert.match(shown, /role="listbox"[^]*Anna Keller[^]*C-7 · anna@x\.example[^]*All customers with “anna”[^]*Receipt[^]*Refused/);
  assert.match(shown, /Not everything could be searched/);
  assert.match(shown, /aria-activedescendant=palette-0/);
  const key = (name, values = {}) => palette.onKey({ key: name, preventDefault: () => {}, ...values });
  key("ArrowUp");
  assert.deepEqual(palette.items()[palette.at].place.query, { search: "anna" }, "from the first to the last");
  key("ArrowUp");
  key("Enter");
  assert.deepEqual(app.done.slice(-2), ["closed", { view: "messages", path: ["Message_7_1"], query: {} }]);
});

test("the palette has the saved searches, those that are built in and one's own", async () => {
  localStorage.setItem("messages.searches", JSON.stringify([{ name: "Bounced in Denver", query: { status: "bounced", search: "denver" } }]));
  const app = made();
  const palette = new Palette(app, () => {});
  palette.opened();
  await palette.readSearches();
  palette.type("bounced");
  assert.deepEqual(palette.items().map(({ name }) => name), ["Bounced in Denver"]);
  palette.onKey({ key: "Enter", preventDefault: () => {} });
  assert.deepEqual(app.done.at(-1), { view: "messages", path: [], query: { status: "bounced", search: "denver" } });
  palette.type("");
  assert.deepEqual(palette.groups().find(([group]) => group === "searches")[1].map(({ name }) => name), ["Not sent this week", "Received", "Needs a person", "Bounced in Denver"]);
  localStorage.clear();
});

test("the palette has the actions of the view that is open, and runs one by its name", () => {
  const app = made({ shown: { actions: () => [{ name: "Export these", run: () => app.done.push("exported") }] } });
  const palette = new Palette(app, () => app.done.push("closed"));
  palette.type("exp");
  palette.onKey({ key: "Enter", preventDefault: () => {} });
  assert.deepEqual(app.done, ["closed", "exported"]);
  palette.clear();
  palette.type("xyzzy");
  assert.match(markup(palette.view()), /Searching/);
  palette.clear();
  assert.equal(palette.items().length, Object.keys(VIEWS).length + 1);
});

// Places ----------------------------------------------------------------------------------------------

test("a link goes on within the page, and with a modifier it is the browser's", () => {
  let arrived = 0;
  const places = new Places(() => (arrived += 1));
  const event = (values) => ({ prevented: false, preventDefault() { this.prevented = true; }, ...values });
  const plainClick = event({});
  places.to({ view: "messages", path: [], query: { status: "refused" } })(plainClick);
  assert.ok(plainClick.prevented);
  assert.deepEqual(places.current, { view: "messages", path: [], query: { status: "refused" } });
  const modified = event({ ctrlKey: true });
  places.toWorklist(modified);
  assert.deepEqual([modified.prevented, arrived], [false, 1]);
  places.query({ status: null, at: "x" }, { replace: true });
  assert.deepEqual(places.current.query, { at: "x" });
});

// What waits ------------------------------------------------------------------------------------------

test("the number beside Worklist is read, told by views, and gone after signing out", async (t) => {
  let value = "52";
  answering(t, () => ({ data: { needsAttention: { total: value === null ? null : { value } } } }));
  const waiting = new Waiting(made());
  await waiting.start();
  assert.equal(waiting.count, 52);
  waiting.note(51);
  assert.equal(waiting.count, 51);
  value = null;
  await waiting.start();
  assert.equal(waiting.count, 51, "it could not be counted");
  waiting.stop();
  waiting.note(3);
  assert.equal(waiting.count, null);
});
