// The popover's dialog: it opens at once, whether or not what it shows has been loaded.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { element, markup, newPage, pending } from "./browser.js";
import { loadPopover, SheetDialog } from "../../../../service/page/message/sheet-dialog.js";

let app;
let dialog;
let drawn;

globalThis.fetch = () => new Promise(() => {});

/** A page with the popover's dialog, and with a row that opens it where there is one. */
const root = ({ row = false } = {}) => ({
  querySelector: (selector) => (selector === "dialog.info" ? dialog : selector === "[data-info]" && row ? {} : null),
});
const shown = (sheets) => markup(sheets.view());

beforeEach(() => {
  newPage();
  drawn = 0;
  app = { changed: () => { drawn += 1; }, guard: (call) => call, place: { view: "emails" }, go: () => {}, goBack: () => { drawn = "back"; } };
  dialog = { open: false, showModal() { this.open = true; }, close() { this.open = false; }, contains: () => false };
});

test("a popover that cannot be loaded says so and can be closed; the next try shows the message", async () => {
  // Given a page that is older than the service
  const answers = [Promise.reject(new Error("This part could not be loaded.")), loadPopover()];
  const sheets = new SheetDialog(app, { load: () => answers.shift() });
  // When a row is opened
  sheets.show("m1");
  element("info-heading");
  sheets.drawn(root());
  // Then the dialog is there at once
  assert.ok(dialog.open);
  assert.equal(document.activeElement, document.getElementById("info-heading"));
  assert.match(shown(sheets), /aria-label=Close.*Loading/s);
  await answers[0];
  assert.match(shown(sheets), /This part could not be loaded\..*Try again/s);
  sheets.close();
  assert.equal(drawn, "back");
  // When the network is back
  sheets.resume();
  await new Promise(setImmediate);
  assert.equal(answers.length, 0);
  assert.match(shown(sheets), /Copy link.*Loading/s);
  // Then it closes as its address does
  sheets.show(null);
  sheets.drawn(root());
  assert.deepEqual([dialog.open, sheets.sheet.state], [false, "closed"]);
  assert.doesNotMatch(shown(sheets), /info-bar/);
});

test("a popover that was loaded for one list is there at once for another", async () => {
  await loadPopover();
  const sheets = new SheetDialog(app, { load: () => assert.fail("It is loaded.") });
  sheets.show("m1");
  assert.match(shown(sheets), /Copy link/);
});

test("what the popover shows is loaded before it is opened, once a row that opens it is drawn and there is time", async () => {
  const [works, loads] = [[], []];
  // Given a browser that says when it is idle
  const { SheetDialog: Fresh } = await withIdle((work) => works.push(work));
  const answer = pending();
  const sheets = new Fresh(app, { load: () => { loads.push("load"); return answer.promise; } });
  // When the list is drawn without rows, then twice with some
  for (const row of [false, true, true]) sheets.drawn(root({ row }));
  assert.deepEqual([works.length, loads], [1, []]);
  // Then it is loaded once, in the first idle moment; a failure is nobody's concern
  works[0]();
  assert.deepEqual(loads, ["load"]);
  answer.promise.catch(() => {});
  assert.equal(shown(sheets), shown(new Fresh(app)));
});

async function withIdle(idle) {
  const before = globalThis.requestIdleCallback;
  globalThis.requestIdleCallback = idle;
  const module = await import("../../../../service/page/message/sheet-dialog.js?idle");
  globalThis.requestIdleCallback = before;
  return module;
}
