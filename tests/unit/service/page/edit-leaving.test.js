// The campaign editor is left: what was typed just now is saved, and a list that is still being filled is the draft's.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { newPage, settled } from "./browser.js";
import { CampaignEditor } from "../../../../service/page/campaigns/edit.js";

const PLACE = { view: "campaigns", path: ["Campaign_1", "edit"], query: {} };
const sender = { id: "Sender_1", name: "Office", from: "office@fabrikam.dev", timeZone: "America/Denver", postalAddress: "1 Main Street" };
const CAMPAIGN = {
  id: "Campaign_1", title: "Spring", kind: "MARKETING", priority: 4, tracked: true, audienceSize: 0, sender, lists: [], excludedLists: [], mailings: [],
  actions: ["UPDATE", "LAUNCH"], status: "DRAFT",
};
const LIST = { id: "CustomerList_1", name: "service-2026", kind: "FIXED", count: { value: 2, precision: "EXACT" } };

let asked;

globalThis.fetch = async (_, { body, keepalive }) => {
  const { query, variables } = JSON.parse(body);
  if (query.includes("mutation")) asked.push([variables.input, Boolean(keepalive)]);
  const data = query.includes("mutation") ? { done: { campaign: CAMPAIGN, userErrors: [] } }
    : { senders: { nodes: [sender] }, campaign: CAMPAIGN, node: CAMPAIGN, checkSender: { ready: true, records: [] } };
  return new Response(JSON.stringify({ data }));
};

beforeEach(() => {
  newPage();
  asked = [];
});

async function opened() {
  const app = { readOnly: false, offline: false, changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {}, go: () => {}, undoable: () => {} };
  const editor = new CampaignEditor(PLACE, app);
  editor.arrive(PLACE);
  for (let turn = 0; turn < 8; turn += 1) await settled();
  assert.equal(editor.state, "ready");
  return editor;
}

test("what was typed just before the tab is closed is saved by a request that outlives the page", async () => {
  const editor = await opened();
  editor.change({ title: "Spring 2027" }, { soon: false });
  assert.deepEqual(asked, [], "it waits for a pause in typing");
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.deepEqual(asked.map(([{ title }, keepalive]) => [title, keepalive]), [["Spring 2027", true]]);
  document.hidden = false;
  editor.leave();
});

test("the list of an import that goes on is the draft's at once, also when the editor is left then", async () => {
  const editor = await opened();
  editor.importFile({ name: "service-2026.csv", size: 9 });
  editor.import.begun(LIST);
  editor.leave();
  await settled();
  await settled();
  assert.deepEqual(asked.map(([{ listIds }]) => listIds), [["CustomerList_1"]]);
});
