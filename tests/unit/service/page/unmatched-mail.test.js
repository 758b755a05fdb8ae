// A received mail that is nobody's: read, assigned by a guess or by a search, set aside, and taken back.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { FindBox } from "../../../../service/page/find-box.js";
import { UnmatchedMail } from "../../../../service/page/unmatched/unmatched-mail.js";

const NOON = "2026-11-23T12:00:00Z";
const ANN = { id: "Customer_7", name: "Ann", externalRef: "C-1", addresses: [{ address: "ann@x.example", primary: true }] };
const MAIL = {
  id: "U1", receivedAt: NOON, kind: "REPLY", reason: "UNKNOWN_SENDER", from: "ann@home.example", to: "office@reply.example", subject: "Thursday?", excerpt: "Thursday suits me.", size: 900, candidates: [ANN],
};
const text = (shown) => markup(shown).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();

let api;
let app;
let undone;
let settledMails;
let reopened;

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables]);
  return new Response(JSON.stringify(api.answers[operation]?.(variables) ?? { data: { done: { message: { id: "Message_1" }, dismissed: 1, userErrors: [] } } }));
};

beforeEach(() => {
  newPage();
  [undone, settledMails, reopened] = [[], [], []];
  api = { asked: [], answers: {} };
  app = { readOnly: false, changed: () => {}, guard: (call) => call, undoable: (said, undo) => undone.push([said, undo]) };
});

const opened = (mail = MAIL, values = {}) =>
  new UnmatchedMail(mail, { app, settled: (each) => settledMails.push(each.id), reopened: (each) => reopened.push(each.id), ...values });
const names = (view) => view.actions().map(({ name }) => text(name));
const asked = (operation) => api.asked.filter(([name]) => name === operation).map(([, variables]) => variables.input ?? variables);
const press = (view, code, values = {}) => view.onKey({ code, key: code.at(-1), target: { closest: () => null }, preventDefault: () => {}, stopPropagation: () => {}, ...values });

test("it is shown with who wrote, what, and why it waits; the guess is first", () => {
  const view = opened();
  assert.match(text(view.view()), /Thursday\?.*ann@home\.example.*office@reply\.example.*A reply.*No customer has the address\..*Thursday suits me\./);
  assert.deepEqual(names(view), ["Ann?", "Assign", "Set aside"]);
  assert.deepEqual(names(opened({ ...MAIL, candidates: [] })), ["Assign", "Set aside"]);
  assert.match(text(opened({ ...MAIL, subject: null, from: null, excerpt: "" }).view()), /No subject.*No sender named.*It has no text/);
});

test("who may only read sees no action", () => {
  const view = opened(MAIL, { readOnly: true });
  assert.doesNotMatch(markup(view.view()), /<button/);
  press(view, "Digit1");
  assert.deepEqual(api.asked, []);
});

test("the guess takes one key; it can be undone, and then waits again", async () => {
  const view = opened();
  press(view, "Digit1", { shiftKey: true, key: "!" });
  assert.deepEqual(asked("Assign"), [], "a sign above a digit is another key");
  press(view, "Digit1");
  await settled();
  assert.deepEqual(asked("Assign"), [{ mailId: "U1", customerId: "Customer_7", messageId: null }]);
  assert.deepEqual(settledMails, ["U1"]);
  assert.match(text(view.view()), /waits for nobody/);
  assert.match(undone[0][0], /Ann’s now/);
  await undone[0][1]();
  assert.deepEqual(asked("UndoAssign"), [{ messageId: "Message_1" }]);
  assert.deepEqual(reopened, ["U1"]);
  assert.deepEqual(names(view), ["Ann?", "Assign", "Set aside"]);
});

test("setting aside can be undone", async () => {
  const view = opened();
  press(view, "Digit3");
  await settled();
  await undone[0][1]();
  assert.deepEqual(asked("SetAside"), [{ mailIds: ["U1"], dismissed: true }, { mailIds: ["U1"], dismissed: false }]);
});

test("a search finds whose it is; Enter takes the first, also before the answer has come", async () => {
  api.answers.FindCustomers = ({ search }) => ({ data: { customers: { edges: search === "bo" ? [{ node: { ...ANN, id: "Customer_8", name: "Bo" } }] : [], pageInfo: {} } } });
  const view = opened();
  press(view, "Digit2");
  assert.equal(view.step, "customer");
  view.finder.type("bo");
  view.finder.onFieldKey({ key: "Enter", preventDefault: () => {} });
  await settled();
  await settled();
  assert.deepEqual(asked("Assign"), [{ mailId: "U1", customerId: "Customer_8", messageId: null }]);
});

test("of a report it is asked which message it is about; that cannot be undone", async () => {
  api.answers.SentTo = () => ({ data: { customer: { emails: { connectionNotes: { nodes: [{ title: "Offer", occurredAt: NOON, message: { id: "Message_5" } }] } } } } });
  const view = opened({ ...MAIL, kind: "BOUNCE" });
  press(view, "Digit1");
  await settled();
  assert.match(text(view.view()), /Which message to Ann does it report on\? Offer/);
  await view.assign("Message_5");
  assert.deepEqual(asked("Assign"), [{ mailId: "U1", customerId: "Customer_7", messageId: "Message_5" }]);
  assert.equal(undone[0][1], null);
});

test("a refusal is said, and it waits on; Escape goes back to the buttons", async () => {
  api.answers.Assign = () => ({ data: { done: { message: null, userErrors: [{ code: "ERASED", message: "The customer was erased.", field: [] }] } } });
  const view = opened();
  await view.choose({ id: "Customer_7", name: "Ann" });
  assert.match(text(view.view()), /The customer was erased\./);
  assert.deepEqual(settledMails, []);
  view.seek();
  press(view, "Escape", { key: "Escape" });
  assert.equal(view.step, null);
});

test("one that is known by its id alone is read; what was settled elsewhere says so", async () => {
  api.answers.Unmatched = ({ id }) => ({ data: { node: id === "U1" ? MAIL : null } });
  const [here, gone] = [opened({ id: "U1" }), opened({ id: "U2" })];
  await settled();
  assert.match(text(here.view()), /Thursday suits me/);
  assert.match(text(gone.view()), /waits for nobody/);
});

test("a field that finds: late answers do not replace newer ones, what fails is said and asked again", async () => {
  const answers = {};
  const picked = [];
  const box = new FindBox({ id: "f", label: () => "Find", find: (wanted) => new Promise((resolve, reject) => { answers[wanted] = { resolve, reject }; }), pick: (item) => picked.push(item.id), changed: () => {} });
  box.type("a");
  box.run();
  box.type("ab");
  box.run();
  answers.ab.resolve([{ id: "2", name: "Abe", detail: "C-2" }]);
  answers.a.resolve([{ id: "1", name: "Ann", detail: "" }]);
  await settled();
  assert.match(text(box.view()), /Abe C-2 1 found/);
  box.type("x");
  box.run();
  answers.x.reject(new Error("Away."));
  await settled();
  assert.match(text(box.view()), /Away\./);
  box.onFieldKey({ key: "Enter", preventDefault: () => {} });
  answers.x.resolve([{ id: "3", name: "X", detail: "" }]);
  await settled();
  assert.deepEqual(picked, ["3"]);
  box.type("");
  await box.run();
  assert.equal(box.found, null);
});
