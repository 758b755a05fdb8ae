// Templates: the letter that is edited, the draft that is kept, what is offered and marked, the preview and the list.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, pending, settled } from "./browser.js";
import { loadLanguage, said } from "../../../../service/page/language.js";
import { draftIds, forgetDraft, keepDraft, keptDraft } from "../../../../service/page/templates/drafts.js";
import { inputOf, isStarter, letterOf, newLetter, same } from "../../../../service/page/templates/letter-source.js";
import { inTheme } from "../../../../service/page/templates/letter-frame.js";
import { fieldBefore, offeredFields, originOf, sampled } from "../../../../service/page/templates/merge-fields.js";
import { marksOf, problemsOf } from "../../../../service/page/templates/problems.js";
import { Preview } from "../../../../service/page/templates/preview.js";
import { TemplateEditor } from "../../../../service/page/templates/template-editor.js";
import { moved } from "../../../../service/page/templates/split.js";
import { addressesOf } from "../../../../service/page/templates/test-sending.js";

const kept = new Map();
const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
const full = { ...storage, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
const letter = (values = {}) => ({ ...newLetter("Hello"), name: "News", ...values });
const app = { changed: () => {}, announce: () => {}, guard: (call) => call };
let answer;
let asked;

globalThis.localStorage ??= storage;
document.documentElement ??= {};
globalThis.fetch = async (_, { body, signal }) => {
  asked.push(JSON.parse(body).variables);
  const found = await answer();
  signal?.throwIfAborted();
  return new Response(JSON.stringify({ data: { previewTemplate: found } }));
};
const shown = (values = {}) => ({ subject: "Hello", html: "<p>1</p>", text: "1", size: 2_048, fields: ["offer"], warnings: [], userErrors: [], ...values });

beforeEach(async () => {
  newPage();
  kept.clear();
  asked = [];
  await loadLanguage("en");
});

test("a new letter is a starter in either kind; what is written is not", () => {
  for (const kind of ["MJML", "HTML"]) {
    assert.ok(isStarter(newLetter("x", kind)));
    assert.match(newLetter("x", kind).source, /unsubscribe_url/);
  }
  assert.ok(!isStarter(letter({ source: "<p></p>" })));
});

test("a version becomes a letter and the same input again", () => {
  const version = { subject: "S", kind: "HTML", mjml: null, html: "<p>", text: null, locale: "de", sampleData: { customer_name: "Sam", offer: "" } };
  const found = letterOf("News", version);
  assert.deepEqual(found, { name: "News", subject: "S", kind: "HTML", source: "<p>", text: "", locale: "de", sample: { "customer.name": "Sam", offer: "" } });
  assert.deepEqual(inputOf(found), { name: "News", subject: "S", locale: "de", mjml: null, html: "<p>", text: null, sampleData: { "customer.name": "Sam" } });
  assert.ok(same(found, { ...found, sample: { "customer.name": "Sam" } }));
  assert.ok(!same(found, { ...found, kind: "MJML" }));
  assert.ok(!same(found, { ...found, sample: {} }));
});

test("a draft is kept by its template, told when it cannot be, and forgotten", () => {
  const draft = { letter: letter(), base: 3, at: "2026-11-30T12:00:00Z" };
  assert.equal(keptDraft("t1", storage), null);
  assert.ok(keepDraft("t1", draft, storage));
  assert.deepEqual(keptDraft("t1", storage), draft);
  assert.equal(keptDraft("t2", storage), null);
  assert.ok(!keepDraft("t1", draft, full));
  forgetDraft("t1", storage);
  assert.equal(keptDraft("t1", storage), null);
  for (const broken of ["{", "null", "{}", JSON.stringify({ ...draft, letter: { subject: 1 } }), JSON.stringify({ ...draft, base: "x" })]) {
    kept.set("template-draft:t1", broken);
    assert.equal(keptDraft("t1", storage), null, broken);
  }
  assert.deepEqual([...draftIds({ "template-draft:a": "", other: "" })], ["a"]);
});

test("fields are offered behind {{, from wherever they are known, each once", () => {
  assert.deepEqual(fieldBefore("Hello {{ cust"), { typed: "cust", at: 9 });
  assert.deepEqual(fieldBefore("{{"), { typed: "", at: 2 });
  for (const none of ["Hello", "{{ a }} b", "{ a", "{{ a|def"]) assert.equal(fieldBefore(none), null, none);
  const found = offeredFields({ used: ["offer", "customer_name"], sample: { offer: "x", town: "y" }, attributes: { city: "Z" } });
  assert.deepEqual(found, ["customer.attributes.city", "customer.name", "offer", "postal_address", "town", "unsubscribe_url"]);
  assert.deepEqual(["postal_address", "customer.attributes.city", "offer"].map(originOf), ["supplied", "customer", "campaign"]);
  assert.deepEqual(sampled(["customer_name", "offer", "unsubscribe_url"]), ["customer.name", "offer"]);
});

test("problems: refusals first, then by line; each line has one mark, the worst", () => {
  const found = problemsOf({
    userErrors: [{ message: "no", field: ["subject"] }],
    warnings: [{ message: "alt", blocking: false, lines: [9, 2] }, { message: "address", blocking: true, lines: [] }],
    tags: [{ line: 2, text: "open" }],
  });
  assert.deepEqual(found.map(({ kind, line, text }) => [kind, line, text]), [
    ["error", null, "no"], ["stop", null, "address"], ["warning", 2, "alt"], ["warning", 2, "open"], ["warning", 9, "alt"],
  ]);
  assert.deepEqual(marksOf(found), [{ line: 2, severity: "warning", text: "alt open" }, { line: 9, severity: "warning", text: "alt" }]);
  assert.equal(problemsOf({ warnings: [{ message: "x", blocking: false, lines: Array.from({ length: 80 }, (_, at) => at) }] }).length, 50);
});

test("the preview is renewed, and an answer to an earlier question is dropped", async () => {
  const preview = new Preview(app);
  const first = pending();
  answer = () => first.promise;
  const earlier = preview.renew(letter({ subject: "1" }));
  answer = async () => shown({ subject: "2" });
  await preview.renew(letter({ subject: "2" }));
  first.resolve(shown({ subject: "1" }));
  await earlier;
  assert.equal(preview.made.subject, "2");
  assert.deepEqual([preview.renewing, preview.isOld], [false, false]);
  assert.deepEqual(asked.map(({ source }) => source.subject), ["1", "2"]);
});

test("a new letter is shown before it has a name", async () => {
  const preview = new Preview(app);
  answer = async () => shown();
  await preview.renew(letter({ name: " " }));
  assert.equal(asked[0].source.name, "New template");
});

test("what would be refused leaves the old preview, and says so", async () => {
  const preview = new Preview(app);
  answer = async () => shown();
  await preview.renew(letter());
  answer = async () => shown({ subject: null, html: null, text: null, size: null, fields: [], userErrors: [{ message: "no", field: ["html"] }] });
  await preview.renew(letter());
  assert.equal(preview.made.html, "<p>1</p>");
  assert.ok(preview.isOld);
  assert.match(markup(preview.view()), /before the last change/);
  answer = async () => null;
  await preview.renew(letter());
  assert.match(markup(preview.view()), /no such customer any more/);
});

test("the preview is for the customer that was chosen, in a frame without scripts", async () => {
  const preview = new Preview(app);
  answer = async () => shown();
  preview.show({ customer: { id: "Customer_7", name: "Ann" } }, letter());
  await settled();
  assert.equal(asked[0].customer, "Customer_7");
  assert.match(markup(preview.view()), /sandbox="allow-same-origin"/);
  preview.show({ as: "text" }, letter());
  assert.doesNotMatch(markup(preview.view()), /iframe/);
});

test("an answer about a version that is no more wanted is dropped", async () => {
  window.matchMedia ??= () => Object.assign(new EventTarget(), { matches: false });
  const place = (query = {}) => ({ view: "templates", path: ["new"], query });
  const here = { ...app, place: place() };
  const version = (subject) => ({ createdAt: "2026-11-30T12:00:00Z", subject, kind: "HTML", mjml: null, html: "<p>", text: null, locale: "en", sampleData: {} });
  const answers = { 1: pending(), 2: pending() };
  here.guard = (call) => async (...given) => (given.length === 2 && answers[given[1]] ? answers[given[1]].promise : call(...given));
  answer = async () => shown();
  const editor = new TemplateEditor(place(), here);
  await settled();
  editor.template = { name: "News", version: 2 };
  // Given two versions asked for, and then the draft again
  const [first, second] = [editor.look(1), editor.look(2)];
  answers[2].resolve(version("two"));
  await second;
  answers[1].resolve(version("one"));
  await first;
  assert.equal(editor.viewed.letter.subject, "two");
  answers[1] = pending();
  const late = editor.look(1);
  await editor.look(2);
  answers[1].resolve(version("one"));
  await late;
  assert.equal(editor.viewed.number, 2);
  editor.leave();
});

test("a letter's media queries are those of the theme that was chosen", () => {
  const media = "screen and (prefers-color-scheme: DARK), ( prefers-color-scheme:light )";
  assert.equal(inTheme(media, "dark"), "screen and (min-width: 0px), (max-width: 0px)");
  assert.equal(inTheme(media, "light"), "screen and (max-width: 0px), (min-width: 0px)");
  assert.equal(inTheme("(max-width: 480px)", "dark"), "(max-width: 480px)");
});

test("the handle moves by keys within its bounds, and addresses are told apart", () => {
  assert.deepEqual(["ArrowLeft", "ArrowRight", "Home", "End", "a"].map((key) => moved(key, 50)), [45, 55, 25, 75, null]);
  assert.deepEqual(addressesOf(" a@x.example, b@x.example;\nc@x.example "), ["a@x.example", "b@x.example", "c@x.example"]);
});

test("every verdict has its words", () => {
  for (const verdict of ["ACCEPTED", "REFUSED", "DEFERRED", "UNCERTAIN"]) assert.match(said.templates.verdict[verdict]("a@x.example"), /^a@x\.example: /);
});
