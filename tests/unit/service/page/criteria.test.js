// Criteria as rows: what the API gets of them, and that what was read is saved unchanged.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { SUBJECTS, criteriaInput, newGroup, newRule, rowsOf } from "../../../../service/page/lists/criteria.js";
import { valuesOf } from "./schema.js";

const one = (rule) => ({ allOf: [{ anyOf: [rule] }] });
const of = (values) => criteriaInput([{ ...newGroup(), rules: [{ ...newRule(), ...values }] }]);

test("every field, happening and kind of the API has a row", () => {
  for (const name of ["CustomerField", "MailHappening"]) for (const value of valuesOf(name)) assert.ok(SUBJECTS.includes(value), value);
});

test("criteria that were read are the same when they are saved", () => {
  for (const rule of [
    { field: { name: "DOMAIN", matches: { isOneOf: ["x.example", "y.example"] }, not: false } },
    { field: { name: "NAME", matches: { startsWith: "An" }, not: true } },
    { field: { name: "LOCALE", matches: { isSet: true }, not: true } },
    { attribute: { name: "seats", matches: { number: { atLeast: "10" } }, not: false } },
    { attribute: { name: "vip", matches: { isTrue: false }, not: false } },
    { attribute: { name: "renewed", matches: { time: { withinDays: 30 } }, not: false } },
    { tag: { isOneOf: ["gold"], not: false } },
    { member: { listId: "CustomerList_7", not: true } },
    { optOut: { kind: "EVENT_BASED", not: false } },
    { mail: { happened: "OPENED", times: 2, when: { withinDays: 90 }, campaignIds: ["Campaign_1"], sourceTypes: null, not: true } },
    { mail: { happened: "MAILED", times: 1, when: { span: { since: "2026-01-01T00:00:00Z" } }, not: false } },
  ]) assert.deepEqual(criteriaInput(rowsOf(one(rule))), one(rule), JSON.stringify(rule));
});

test("a field without a value turns round to one that has none", () => {
  const read = one({ field: { name: "LOCALE", matches: { isSet: false }, not: false } });
  assert.deepEqual(criteriaInput(rowsOf(read)), one({ field: { name: "LOCALE", matches: { isSet: true }, not: true } }));
});

test("a rule that has no row is not lost without a word", () => {
  assert.equal(rowsOf(one({ attribute: { name: "seats", matches: { number: { atLeast: "1", atMost: "5" } }, not: false } })), null);
});

test("while a row is not filled in, there are no criteria", () => {
  for (const values of [{}, { values: " , " }, { subject: "MEMBER" }, { subject: "ATTRIBUTE", values: "x" }, { subject: "TAG" }]) assert.equal(of(values), null, JSON.stringify(values));
  for (const values of [{ values: "x.example" }, { operator: "isSet" }, { subject: "OPT_OUT" }, { subject: "MAILED" }]) assert.notEqual(of(values), null, JSON.stringify(values));
});

test("texts stand between commas, semicolons or lines", () => {
  assert.deepEqual(of({ values: "a.example, b.example;c.example\n" }).allOf[0].anyOf[0].field.matches, { isOneOf: ["a.example", "b.example", "c.example"] });
});
