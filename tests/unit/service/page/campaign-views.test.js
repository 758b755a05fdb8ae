// The campaigns' views: their list, one campaign that changes while it is looked at, and what is decided about it.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { CampaignList } from "../../../../service/page/campaigns/campaign-list.js";
import { OneCampaign } from "../../../../service/page/campaigns/one-campaign.js";
import { open } from "../../../../service/page/campaigns/view.js";

const ID = "Campaign_1";
const NONE = { queued: 0, onTheWire: 0, waiting: 0, accepted: 0, refused: 0, bounced: 0, uncertain: 0, held: 0, expired: 0, cancelled: 0, leftOut: 0, leftOutBy: [], total: 0, opened: 0, openedUnsure: 0, clicked: 0, machineOnly: 0, unsubscribed: 0, complained: 0, replied: 0, perMinute: 0, estimatedEndAt: null };
const SPRING = {
  ...NONE, total: 4327, leftOut: 117, leftOutBy: [{ reason: "OPTED_OUT", recipients: 83 }, { reason: "SUPPRESSED", recipients: 34 }],
  accepted: 2631, refused: 312, uncertain: 38, onTheWire: 4, queued: 1225, waiting: 1229, opened: 912, clicked: 148, perMinute: 48,
};
const page = (edges) => ({ edges, pageInfo: { hasNextPage: false, endCursor: null } });
const exact = (value) => ({ totalCount: { value, precision: "EXACT" } });

let campaign;
let answers;
let asked;
let done;
let sockets;
let app;
let view;

globalThis.WebSocket = class {
  constructor() {
    sockets.push(this);
  }
  send() {}
  close() {}
};

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const [, name] = /^(?:query|mutation) (\w+)/.exec(query);
  asked.push([name, variables]);
  return new Response(JSON.stringify(answers[name](variables)));
};

function make(values = {}) {
  return {
    id: ID, title: "Spring service 2027", kind: "MARKETING", status: "RUNNING", priority: 4, audienceSize: 4327, createdAt: "2026-11-28T09:00:00Z",
    launchedAt: "2026-11-29T14:00:00Z", finishedAt: null, tracked: true, repeat: null, pausedAt: null, pausedWhy: null, archivedAt: null,
    actions: ["PAUSE", "CANCEL", "UPDATE", "RETRY", "SETTLE"], progress: SPRING, sender: { id: "Sender_1", name: "Northlight", from: "office@northlight.example" },
    lists: [{ id: "CustomerList_1", name: "Service customers" }], excludedLists: [{ id: "CustomerList_2", name: "Contract 2027" }],
    mailings: [{ id: "Mailing_1", number: 1, status: "RUNNING", subject: "An hour", dueAt: "2026-11-29T14:00:00Z", frozenAt: null, progress: SPRING }], ...values,
  };
}

const withSettings = (each) => ({ ...each, settings: each.mailings.map(({ id }) => ({ id, template: { number: 7, template: { id: "Template_1", name: "Spring" } }, schedule: null, notOpened: null })) });
const change = (values) => sockets[0].onmessage({ data: JSON.stringify({ type: "next", payload: { data: { campaignChanged: { ...make(), ...values } } } }) });
const payload = (values = {}) => ({ data: { done: { campaign: make(values), recipients: 286, userErrors: [] } } });
const text = (shown) => markup(shown).replaceAll(/\s+/g, " ");
const calm = async () => {
  for (let turn = 0; turn < 6; turn += 1) await settled();
};

async function look(path = [ID], query = {}) {
  view = new OneCampaign({ view: "campaigns", path, query }, app);
  view.arrive({ view: "campaigns", path, query });
  await calm();
}

beforeEach(() => {
  newPage();
  campaign = make();
  [asked, done, sockets] = [[], [], []];
  answers = {
    Campaign: () => ({ data: { campaign: campaign && withSettings(campaign) } }),
    CampaignResults: () => ({ data: { campaign: { id: ID, timeline: [{ startsAt: "2026-11-29T14:00:00Z", accepted: 2631, opened: 912, clicked: 148 }],
      links: [{ url: "https://northlight.example/book/spring", clicks: 118, people: 96 }], history: { nodes: [] } } } }),
    Recipients: () => ({ data: { campaign: { id: ID, recipients: { ...exact(312), ...page([]) } } } }),
    RetryCounts: () => ({ data: { campaign: { id: ID, all: exact(312), OPTED_OUT: exact(7), SUPPRESSED: exact(19), BAD_ADDRESS: exact(0), BAD_DOMAIN: exact(0) } } }),
    Decide: () => payload(),
  };
  app = {
    changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {}, readOnly: false, offline: false,
    go: (to) => done.push(["go", to.path]), query: (change_) => done.push(["query", change_]),
    undoable: (said, undo) => done.push([said, undo]),
  };
});

afterEach(() => {
  view?.leave();
  mock.timers.reset();
});

test("the overview: every number links to those whom it counts, and they add up to launched", async () => {
  await look();
  const shown = text(view.view());
  for (const [query, number] of [["status=accepted", "2,631"], ["status=refused", "312"], ["status=uncertain", "38"], ["status=handed_off", "4"], ["status=queued%2Cdeferred", "1,225"], ["status=launched", "4,210"], ["leftOut=all", "−117"], ["opened", "912"], ["clicked", "148"]]) {
    assert.ok(shown.includes(`href=/campaigns/${ID}/recipients?${query} `), query);
    assert.ok(shown.includes(number), number);
  }
  assert.match(shown, /leftOut=opted_out [^>]*>83 opted out/);
  assert.match(shown, /48 a minute\./);
  assert.match(shown, /Retry 312.*Settle 38/s);
  assert.match(shown, /\/book\/spring/);
});

test("a campaign that is read after its view was left is not followed", async () => {
  view = new OneCampaign({ view: "campaigns", path: [ID], query: {} }, app);
  view.leave();
  await calm();
  assert.deepEqual(sockets, []);
  assert.deepEqual(asked.map(([name]) => name), ["Campaign"]);
});

test("what is not tracked says so, and an audience that is not frozen has no numbers", async () => {
  campaign = make({ tracked: false });
  await look();
  assert.equal(text(view.view()).match(/Not tracked/g).length, 2);
  view.leave();
  campaign = make({ status: "SCHEDULED", progress: { ...NONE }, actions: ["PAUSE", "CANCEL", "UPDATE"], launchedAt: "2026-11-29T14:00:00Z", mailings: [{ ...make().mailings[0], status: "SCHEDULED", progress: NONE }] });
  await look();
  assert.match(text(view.view()), /The first mailing starts.*The audience is fixed when the mailing starts/);
  assert.doesNotMatch(text(view.view()), /Accepted/);
});

test("a change that comes keeps what a mailing was set up with", async () => {
  await look([ID, "mailings"]);
  change({ progress: { ...SPRING, accepted: 2700 }, status: "FINISHED" });
  assert.deepEqual([view.campaign.progress.accepted, view.campaign.mailings[0].template.number, view.campaign.sender.name], [2700, 7, "Northlight"]);
  assert.match(text(view.view()), /Spring.*version 7/);
  change({ id: "Campaign_2", title: "Another" });
  assert.equal(view.campaign.title, "Spring service 2027");
});

test("a campaign that is not there, a part that is not, and a read that fails", async () => {
  campaign = null;
  await look();
  assert.match(text(view.view()), /There is no such campaign/);
  view.leave();
  campaign = make();
  await look([ID, "nonsense"]);
  assert.match(text(view.view()), /There is no such page/);
  view.leave();
  answers.Campaign = () => ({ errors: [{ message: "Not now." }] });
  await look();
  assert.match(text(view.view()), /Not now\./);
  assert.deepEqual([view.shows({ view: "campaigns", path: [ID, "links"] }), view.shows({ view: "campaigns", path: [ID, "edit"] }), view.shows({ view: "campaigns", path: [] })], [true, false, false]);
});

test("pausing is done at once, says how many were on the wire, and is taken back by resuming", async () => {
  await look();
  answers.Decide = () => payload({ status: "PAUSED", actions: ["RESUME", "CANCEL"], pausedAt: "2026-11-29T15:00:00Z", pausedWhy: "Paused by Anna." });
  await view.decisions.pause();
  const [[said, undo]] = done;
  assert.equal(said, "Paused. 4 were on the wire and will be counted.");
  assert.match(text(view.view()), /Paused since.*Paused by Anna\./);
  asked = [];
  answers.Decide = () => payload();
  await undo();
  assert.deepEqual([asked[0][1], view.campaign.status], [{ input: { campaignId: ID } }, "RUNNING"]);
});

test("a retry says first who stays and why, and is of exactly the number that it said", async () => {
  await look();
  await view.decisions.ask("retry", "refused", { statuses: ["REFUSED"], causes: null, mailingIds: null });
  const shown = text(view.view());
  assert.match(shown, /Retry 286 messages\?.*7<.*They opted out\..*19<.*suppression list/s);
  await view.decisions.confirm();
  const { input } = asked.at(-1)[1];
  assert.deepEqual([input.statuses, input.causes, input.expectedCount, input.idempotencyKey.length], [["REFUSED"], null, 286, 32]);
  assert.deepEqual([done[0][0], done[0][1], view.decisions.asked], ["286 messages go back to the queue.", undefined, null]);
});

test("where the number has changed meanwhile, it is counted again and said; the next try has a key of its own", async () => {
  await look();
  await view.decisions.ask("retry", "refused", { statuses: ["REFUSED"], causes: null, mailingIds: null });
  const { key } = view.decisions.asked;
  answers.Decide = () => ({ data: { done: { campaign: null, recipients: 0, userErrors: [{ code: "CONFLICT", message: "It is 285 recipients now." }] } } });
  answers.RetryCounts = () => ({ data: { campaign: { id: ID, all: exact(311), OPTED_OUT: exact(7), SUPPRESSED: exact(19), BAD_ADDRESS: exact(0), BAD_DOMAIN: exact(0) } } });
  await view.decisions.confirm();
  assert.match(text(view.view()), /Retry 285 messages\?.*It is 285 recipients now\./s);
  assert.notEqual(view.decisions.asked.key, key);
  assert.deepEqual(done, []);
});

test("settling is a choice, of exactly those that were uncertain", async () => {
  await look();
  await view.decisions.ask("settle", "uncertain", { count: 38 });
  assert.match(text(view.view()), /What becomes of 38 uncertain messages\?.*Assume 38 sent/s);
  view.decisions.choose("RETRY");
  assert.match(text(view.view()), /Their readers may get them twice.*Retry 38 messages/s);
  await view.decisions.confirm();
  assert.deepEqual([asked.at(-1)[1].input.uncertain, asked.at(-1)[1].input.expectedCount], ["RETRY", 38]);
});

test("cancelling names what is not sent, what is on the wire and what cannot be taken back", async () => {
  await look();
  await view.decisions.ask("cancel", "head");
  assert.match(text(view.view()), /Cancel the campaign\?.*1,225<.*are not sent.*4<.*still counted.*2,981<.*cannot be taken back.*Cancel 1,225 messages/s);
  view.decisions.leave();
  assert.doesNotMatch(text(view.view()), /Cancel the campaign\?/);
});

test("copy makes a draft that can be taken back, archive and priority can be undone, and who may only read sees none of it", async () => {
  campaign = make({ status: "FINISHED", finishedAt: "2026-11-30T09:00:00Z", actions: ["ARCHIVE", "UPDATE"] });
  answers.Decide = () => payload({ id: "Campaign_2", status: "DRAFT" });
  answers.Delete = () => ({ data: { done: { deletedCampaignId: "Campaign_2", userErrors: [] } } });
  await look();
  assert.deepEqual(view.decisions.inMenu().map(({ name }) => name), ["Copy", "Archive"]);
  await view.decisions.copy();
  assert.deepEqual([asked.at(-1)[1].input.title, done[1]], ["Copy of Spring service 2027", ["go", ["Campaign_2", "edit"]]]);
  await done[0][1]();
  assert.deepEqual(asked.at(-1), ["Delete", { input: { campaignId: "Campaign_2" } }]);
  done = [];
  await view.decisions.archive(true);
  await view.decisions.setPriority(2);
  for (const [, undo] of done) await undo();
  assert.deepEqual(asked.slice(-2).map(([, { input }]) => input), [{ campaignId: ID, archived: false }, { campaignId: ID, priority: 4 }]);
  app.readOnly = true;
  assert.deepEqual([view.decisions.inHead(), view.decisions.inMenu(), view.actions()], [[], [], []]);
  assert.doesNotMatch(text(view.view()), /campaign-actions/);
});

test("what is refused is said, and nothing else is done", async () => {
  await look();
  answers.Decide = () => ({ data: { done: { campaign: null, userErrors: [{ code: "ILLEGAL_STATE", message: "It is finished." }] } } });
  await view.decisions.pause();
  assert.deepEqual([done, view.decisions.acting], [[], false]);
  assert.match(text(view.view()), /role="alert">It is finished\./);
});

test("recipients: the address is the filter, a chip each outcome, and exactly the listed failures can be retried", async () => {
  const whom = (values) => ({ id: "r", address: "ann@customer.example", status: null, leftOut: null, dueAt: null, customer: { id: "Customer_1", name: "Ann", externalRef: "E-1" }, mailing: { number: 1 }, message: null, ...values });
  const info = { status: "REFUSED", colorHint: "RED", cause: "MAILBOX_FULL", tracked: true, decidedAt: "2026-11-29T14:05:00Z", response: { code: 552, enhancedCode: "5.2.2", text: "Mailbox full" } };
  const rows = [whom({ status: "REFUSED", message: { id: "Message_1", subject: "An hour", openedAt: null, clickCount: 0, info } }), whom({ leftOut: "OPTED_OUT" }), whom({ status: "QUEUED", dueAt: "2026-12-01T09:00:00Z" })];
  answers.Recipients = () => ({ data: { campaign: { id: ID, recipients: { ...exact(312), ...page(rows.map((node, place) => ({ cursor: `c${place}`, node }))) } } } });
  await look([ID, "recipients"], { status: "refused", cause: "mailbox_full" });
  const [, variables] = asked.find(([name]) => name === "Recipients");
  assert.deepEqual([variables.filter.statuses, variables.filter.causes, variables.counted, variables.after], [["REFUSED"], ["MAILBOX_FULL"], true, null]);
  const shown = text(view.view());
  assert.match(shown, /312 recipients/);
  assert.match(shown, /Refused: the mailbox is full.*Left out: opted out.*Waiting/s);
  assert.match(shown, /aria-current=true @click=>Refused <span class="campaign-chip-count">312/);
  assert.match(shown, /Retry 312/);
  change({ progress: { ...SPRING, refused: 313, queued: 1224 } });
  assert.match(text(view.view()), /The list has changed: show it as it is now/);
  await view.decisions.ask("retry", "recipients", { statuses: ["REFUSED"], causes: ["MAILBOX_FULL"], mailingIds: null, query: {} });
  await view.decisions.confirm();
  assert.deepEqual(asked.at(-1)[1].input.causes, ["MAILBOX_FULL"]);
});

test("recipients that nothing matches, and a list of nobody", async () => {
  await look([ID, "recipients"], { status: "held" });
  assert.match(text(view.view()), /Nothing matches.*Clear filters/s);
  view.leave();
  await look([ID, "recipients"]);
  assert.match(text(view.view()), /Nobody yet/);
});

const row = (id, values = {}) => ({ cursor: id, node: make({ id, ...values }) });

async function list(query = {}, rows = [row(ID)]) {
  answers.Campaigns = () => ({ data: { campaigns: page(rows) } });
  answers.CampaignTabs = () => ({ data: Object.fromEntries(["running", "drafts", "scheduled", "finished", "archived"].map((tab, place) => [tab, { totalCount: { value: place } }])) });
  view = new CampaignList({ view: "campaigns", path: [], query }, app);
  await calm();
}

test("the list: tabs by state with their counts, and a row with how far it is", async () => {
  await list({ state: "scheduled", search: "spring" });
  const [, variables] = asked.find(([name]) => name === "Campaigns");
  assert.deepEqual([variables.filter, variables.search], [{ statuses: ["SCHEDULED"] }, "spring"]);
  view.arrive({ view: "campaigns", path: [], query: { archived: "" } });
  await calm();
  assert.deepEqual(asked.findLast(([name]) => name === "Campaigns")[1].filter, { archived: true });
  const shown = text(view.view());
  assert.match(shown, /href=\/campaigns\/Campaign_1 .*Spring service 2027.*Running.*2,981 of 4,210.*2,631.*912.*148/s);
  assert.match(shown, /href=\/campaigns\?state=drafts .*Drafts.*1</s);
  const draft = text(view.row(row("Campaign_3", { status: "DRAFT", tracked: false, progress: NONE }), 1));
  assert.match(draft, /href=\/campaigns\/Campaign_3\/edit .*Draft.*Not begun/s);
});

test("the list is renewed in place; other campaigns come only when nobody is about to press a row", async () => {
  await list();
  answers.Campaigns = () => ({ data: { campaigns: page([row(ID, { progress: { ...SPRING, accepted: 2700 } })]) } });
  await view.look();
  assert.deepEqual([[...view.list.rows()][0].node.progress.accepted, view.moved], [2700, false]);
  answers.Campaigns = () => ({ data: { campaigns: page([row("Campaign_2"), row(ID)]) } });
  view.pointedAt = performance.now();
  await view.look();
  assert.deepEqual([view.list.count, view.moved], [1, true]);
  assert.match(text(view.view()), /The list has changed/);
  view.pointedAt = -Infinity;
  await view.look();
  assert.deepEqual([[...view.list.rows()].map(({ cursor }) => cursor), view.moved], [["Campaign_2", ID], false]);
});

test("no campaigns at all, none in this tab, none found", async () => {
  await list({}, []);
  assert.match(text(view.view()), /No campaign is running/);
  view.counts = { running: 0 };
  assert.match(text(view.view()), /No campaigns yet.*A campaign sends one letter to a list.*New campaign/s);
  app.readOnly = true;
  assert.doesNotMatch(text(view.view()), /New campaign/);
  assert.deepEqual(view.actions(), []);
  view.leave();
  await list({ search: "autumn" }, []);
  assert.match(text(view.view()), /No campaign found/);
});

test("an address opens the list, a campaign or the editor", async () => {
  view = await open({ view: "campaigns", path: [], query: {} }, { ...app, guard: () => async () => page([]) });
  assert.ok(view instanceof CampaignList);
  view.leave();
  view = await open({ view: "campaigns", path: [ID], query: {} }, app);
  assert.ok(view instanceof OneCampaign);
  view.leave();
  view = await open({ view: "campaigns", path: ["new"], query: {} }, app);
  assert.deepEqual([view.title, view.shows({ view: "campaigns", path: ["new"] }), view.shows({ view: "campaigns", path: [] })], ["New campaign", true, false]);
});
