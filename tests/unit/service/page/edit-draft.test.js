// A campaign's draft: what of it the API is told, and that it is saved whole, once, and in order.
import { mock, test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { pending, settled } from "./browser.js";
import { campaignInput, draftOf, letterOf, mailingInput, newDraft, newMailing, scheduleOf, whenOf } from "../../../../service/page/campaigns/edit-draft.js";
import { Offline } from "../../../../service/page/errors.js";
import { DraftSaver } from "../../../../service/page/campaigns/edit-saving.js";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const sender = { id: "Sender_1", timeZone: "America/Denver" };
const list = { id: "CustomerList_1", name: "Service", kind: "FIXED", count: { value: 3, precision: "EXACT" } };
const campaign = (values = {}) => ({
  id: "Campaign_1", title: "Spring", kind: "MARKETING", priority: 2, tracked: false, audienceSize: 0, sender, lists: [list], excludedLists: [],
  mailings: [{
    id: "Mailing_1", subject: "Hello {{ name }}", notOpened: null, schedule: null,
    template: { number: 7, subject: "Hello", template: { id: "Template_1", name: "Spring", version: 8 } },
  }], ...values,
});

test("a draft that was read says the same to the API as it was read", () => {
  const draft = draftOf(campaign(), NOW);
  assert.deepEqual(campaignInput(draft), { title: "Spring", priority: 2, senderId: "Sender_1", tracked: false, listIds: ["CustomerList_1"], excludedListIds: [] });
  assert.deepEqual(mailingInput(draft.mailings[0]), {
    templateId: "Template_1", templateVersion: 7, subject: "Hello {{ name }}", schedule: null, notOpenedMailingId: null,
  });
});

test("a subject that is the template's own is none of the mailing's", () => {
  const draft = draftOf(campaign(), NOW);
  for (const subject of ["Hello", " Hello ", ""]) assert.equal(mailingInput({ ...draft.mailings[0], subject }).subject, null);
});

test("every schedule comes back as it was", () => {
  for (const [read, given] of [
    [null, null],
    [{ sendAt: "2026-12-01T16:00:00Z" }, { at: "2026-12-01T16:00:00.000Z" }],
    [{ atLocalTime: "2026-12-01T09:00:00" }, { atLocalTime: "2026-12-01T09:00" }],
    [{ afterDays: 7, afterMinutes: 30, localTime: "09:00" }, { after: { days: 7, minutes: 30, localTime: "09:00" } }],
    [{ afterDays: 0, afterMinutes: null, localTime: null }, { after: { days: 0, minutes: 0, localTime: null } }],
  ]) assert.deepEqual(scheduleOf(whenOf(read, "America/Denver", NOW)), given);
});

test("without a letter, or with a time that cannot be, there is no mailing to save", () => {
  const draft = newDraft({ title: "x", sender, now: NOW, zone: "UTC" });
  const [mailing] = draft.mailings;
  assert.equal(mailingInput(mailing), null);
  mailing.template = { id: "Template_1" };
  assert.notEqual(mailingInput(mailing), null);
  mailing.when = { ...mailing.when, kind: "at", local: "2027-03-14T02:30" };
  assert.equal(mailingInput(mailing), null);
});

test("a second mailing goes a week after the launch, an event's at the event", () => {
  const draft = newDraft({ title: "x", sender, now: NOW, zone: "UTC" });
  assert.equal(draft.mailings[0].when.kind, "now");
  assert.deepEqual(scheduleOf(newMailing(draft, NOW).when), { after: { days: 7, minutes: 0, localTime: null } });
  assert.deepEqual(scheduleOf(newMailing({ ...draft, kind: "EVENT_BASED", mailings: [] }, NOW).when), { after: { days: 0, minutes: 0, localTime: null } });
});

test("a test message is of this letter until sender, version or subject change", () => {
  const draft = draftOf(campaign(), NOW);
  const [mailing] = draft.mailings;
  const before = letterOf(draft, mailing);
  assert.equal(letterOf(draft, { ...mailing, when: { kind: "at" } }), before);
  for (const changed of [{ version: 8 }, { subject: "Other" }]) assert.notEqual(letterOf(draft, { ...mailing, ...changed }), before);
  assert.notEqual(letterOf({ ...draft, senderId: "Sender_2" }, mailing), before);
});

test("what is typed is saved once, after a pause; a choice at once", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const written = [];
  const saver = new DraftSaver({ write: async (part) => written.push(part), changed: () => {}, saved: () => {}, now: () => 5 });
  for (let letter = 0; letter < 5; letter += 1) saver.touch("campaign");
  assert.equal(saver.state, "waiting");
  mock.timers.tick(599);
  assert.deepEqual(written, []);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual([written, saver.state, saver.savedAt], [["campaign"], "saved", 5]);
  saver.touch("m1", { soon: true });
  mock.timers.tick(0);
  await settled();
  assert.deepEqual(written, ["campaign", "m1"]);
  mock.timers.reset();
});

test("what changes while it is saved is saved again, and never two at once", async () => {
  const answers = [];
  const saver = new DraftSaver({ write: () => { const one = pending(); answers.push(one); return one.promise; }, changed: () => {}, saved: () => {} });
  saver.touch("campaign", { soon: true });
  const first = saver.flush();
  await settled();
  saver.touch("campaign");
  const second = saver.flush();
  await settled();
  assert.equal(answers.length, 1);
  answers[0].resolve();
  await first;
  await settled();
  assert.equal(answers.length, 2);
  answers[1].resolve();
  assert.equal(await second, true);
});

test("whoever leaves is told what could not be saved, and nothing where all was", async () => {
  for (const [fault, told] of [[new Error("No unsubscribe link."), ["No unsubscribe link."]], [new Offline(), ["The service cannot be reached"]], [null, []]]) {
    const saver = new DraftSaver({ write: async () => { if (fault) throw fault; }, changed: () => {}, saved: () => {} });
    saver.touch("m1");
    const found = [];
    await saver.leave((why) => found.push(why));
    assert.deepEqual(found, told);
  }
});

test("a part that is refused keeps its reason, the others are saved, and it is tried again", async () => {
  let refused = true;
  const written = [];
  const write = async (part) => {
    if (part === "m1" && refused) throw new Error("No unsubscribe link.");
    written.push(part);
  };
  const saver = new DraftSaver({ write, changed: () => {}, saved: () => {} });
  saver.touch("m1");
  saver.touch("campaign");
  assert.equal(await saver.flush(), false);
  assert.deepEqual([written, saver.state, saver.faults.get("m1").message], [["campaign"], "failed", "No unsubscribe link."]);
  refused = false;
  assert.equal(await saver.flush(), true);
  assert.deepEqual([written, saver.state, saver.faults.size], [["campaign", "m1"], "saved", 0]);
});
