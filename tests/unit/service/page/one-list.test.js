// One list: what a new one asks for, and what a list says of itself.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { element, markup, newPage, settled } from "./browser.js";
import { OneList } from "../../../../service/page/lists/one-list.js";

const text = (shown) => markup(shown).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();
const LIST = { id: "CustomerList_1", name: "Spring", kind: "FIXED", createdAt: "2026-11-23T12:00:00Z", by: "Ann", count: { value: 2, precision: "EXACT" }, countedAt: null, criteria: null, growsOn: [], usedBy: 0 };
const PAGE = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };

let api;
let app;
let went;

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables.input ?? variables]);
  return new Response(JSON.stringify({ data: api.answers[operation](variables) }));
};

beforeEach(() => {
  newPage();
  went = [];
  api = { asked: [], answers: {
    List: () => ({ node: LIST }), Members: () => ({ node: { members: PAGE } }), Create: ({ input }) => ({ done: { list: { ...LIST, ...input, id: "CustomerList_2" }, userErrors: [] } }),
  } };
  app = { readOnly: false, offline: false, changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {}, go: (place) => went.push(place) };
});

/** The view at an address, once what it shows was read. */
async function opened(path, query = {}) {
  const view = new OneList({ view: "lists", path, query }, app);
  await settled();
  return view;
}

test("a new dynamic list has its heading, and asks for its name first", async () => {
  const view = await opened(["new"]);
  const field = element("list-name");
  view.drawn({ querySelectorAll: () => [], querySelector: () => null });
  assert.equal(view.title, "New dynamic list");
  assert.match(text(view.view()), /New dynamic list.*Name/);
  assert.match(markup(view.view()), /<label for="list-name">Name<\/label><input id="list-name"/);
  assert.equal(document.activeElement, field);
});

test("a list names the campaigns that use it, and says so before it is deleted", async () => {
  api.answers.List = () => ({ node: { ...LIST, usedBy: 3 } });
  api.answers.Uses = () => ({ campaigns: { nodes: [{ id: "Campaign_1", title: "Spring service" }, { id: "Campaign_2", title: "Summer" }] } });
  const view = await opened(["CustomerList_1"]);
  assert.match(text(view.view()), /Used by Spring service, Summer and 1 more/);
  assert.match(markup(view.view()), /href=\/campaigns\/Campaign_1/);
  view.askDelete();
  assert.match(text(view.view()), /2 memberships end\..*3 campaigns have it\. While one is under way/);
  api.answers.Uses = () => ({ campaigns: { nodes: [] } });
  assert.match(text((await opened(["CustomerList_1"])).view()), /Used by 3 campaigns that are archived/);
  api.answers.List = () => ({ node: { ...LIST, usedBy: 0 } });
  assert.doesNotMatch(text((await opened(["CustomerList_1"])).view()), /Used by/);
});

test("a list without a name is not made; with one it is, and is opened", async () => {
  const view = await opened(["new"]);
  await assert.rejects(view.saveCriteria({ allOf: [] }), /Give the list a name/);
  assert.deepEqual(api.asked, []);
  const named = await opened(["new"], { name: "Gold" });
  await named.saveCriteria({ allOf: [] });
  assert.deepEqual(api.asked, [["Create", { name: "Gold", criteria: { allOf: [] } }]]);
  assert.deepEqual(went, [{ view: "lists", path: ["CustomerList_2"], query: {} }]);
});
