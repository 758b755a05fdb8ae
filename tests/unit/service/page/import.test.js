// A CSV file on its way in: from the upload over review and list to the result, and back.
import { afterEach, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { CustomerImport } from "../../../../service/page/lists/import.js";
import { choicesOf, doubled, groupFaults, mappingFault, nameOf, ownField, paceOf } from "../../../../service/page/lists/import-model.js";

const COLUMNS = [{ heading: "E-Mail", field: "address", sample: ["a@x.example"] }, { heading: "Kd-Nr", field: "externalRef", sample: ["1001"] }];
const file = { name: "service-2026.csv" };
const list = { id: "CustomerList_1", name: "service-2026", kind: "FIXED", count: { value: 2, precision: "EXACT" } };

let server;
let asked;
let panel;
let told;
let sockets;

/** What the API says of the import now. */
const state = (values) => Object.assign(server, values);
const row = () => ({
  id: "CustomerImport_1", fileName: file.name, encoding: "UTF-8", columns: COLUMNS, list: null, by: "me", createdAt: "2026-11-30T12:00:00Z",
  finishedAt: null, dryRun: true, read: 3, total: 3, created: 2, updated: 0, unchanged: 0, failed: 1, status: "UPLOADED", ...server,
});
const faults = [{ line: 3, heading: "E-Mail", code: "ADDRESS_INVALID", message: "“nobody” is no address." }];

const answers = {
  startImport: ({ input }) => ({ import: { ...row(), ...state({ dryRun: input.dryRun, status: input.dryRun ? "CHECKED" : "FINISHED" }) }, userErrors: [] }),
  createList: ({ input }) => (input.name === "taken" ? { list: null, userErrors: [{ message: "There is a list of this name." }] } : { list: { ...list, name: input.name }, userErrors: [] }),
  deleteList: () => ({ userErrors: [] }),
};

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const mutation = Object.keys(answers).find((name) => query.includes(`done: ${name}(`));
  asked.push(mutation ?? query.match(/(?:query|subscription) (\w+)/)[1]);
  if (mutation) return new Response(JSON.stringify({ data: { done: answers[mutation](variables) } }));
  const node = query.includes("errors(") ? { errors: { nodes: faults, pageInfo: { hasNextPage: false, endCursor: null } } } : query.includes("CustomerImport {") ? row() : list;
  return new Response(JSON.stringify({ data: { node } }));
};
globalThis.WebSocket = class {
  constructor() { sockets.push(this); }
  send() {}
  close() {}
};
globalThis.XMLHttpRequest = class {
  upload = {};
  open(method, path) { asked.push(`${method} ${path}`); }
  setRequestHeader() {}
  send() {
    this.upload.onprogress({ loaded: 1, total: 2 });
    Object.assign(this, server.upload ?? { status: 201, responseText: JSON.stringify({ id: "CustomerImport_1" }) });
    queueMicrotask(() => { this.onload(); this.onloadend(); });
  }
};

async function open(values = {}) {
  const app = { changed: () => {}, announce: (text) => told.push(text), guard: (call) => call, to: () => () => {}, readOnly: false };
  panel = new CustomerImport({ app, file, begun: (one) => told.push(["begun", one.name]), joined: (one) => told.push(["joined", one.name]), left: (one) => told.push(["left", one.name]), done: () => told.push("done"), ...values });
  for (let turn = 0; turn < 12; turn += 1) await settled();
}

beforeEach(() => {
  newPage();
  [server, asked, told, sockets] = [{}, [], [], []];
});

afterEach(() => panel?.stop());

test("a file goes up at once, and is checked without another word", async () => {
  await open();
  assert.deepEqual(asked.slice(0, 3), ["POST /imports?name=service-2026.csv", "Import", "startImport"]);
  const shown = markup(panel.view());
  for (const text of ["3 lines, UTF-8", "guessed", "2 will be imported:", "2 new, 0 known", "1 cannot:", "line 3", "“nobody” is no address.", "Import 2 customers", "Download the line as CSV"]) assert.ok(shown.includes(text), text);
});

test("a session that only reads sees an import at every stage, and nothing that it may not do", async () => {
  for (const status of ["UPLOADED", "CHECKED", "RUNNING", "FINISHED", "FAILED", "CANCELLED"]) {
    for (const dryRun of [true, false]) {
      server = { status, dryRun, list };
      const app = { changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {}, readOnly: true };
      await open({ app, file: null, importId: "CustomerImport_1" });
      const shown = markup(panel.view());
      assert.match(shown, /service-2026\.csv/);
      assert.doesNotMatch(shown.replaceAll(/<button type="button" class="link" @click=>Download[^<]*</g, "<"), /<(button|select|input)/, `${status} ${dryRun}`);
      panel.stop();
    }
  }
  assert.deepEqual(asked.filter((name) => name in answers), []);
});

test("carried out, its customers join a list of the file's name, and it can be undone", async () => {
  await open();
  await panel.carryOut();
  assert.deepEqual(told, [["begun", "service-2026"], "2 imported.", ["joined", "service-2026"], "done"]);
  assert.match(markup(panel.view()), /2 imported\.[^]*Undo/);
  await panel.undo();
  assert.ok(asked.includes("deleteList"));
  assert.deepEqual(told.at(-1), ["left", "service-2026"]);
});

test("the list is told of as soon as the import is begun, which goes on without the page", async () => {
  await open();
  const ends = answers.startImport;
  answers.startImport = () => ({ import: { ...row(), ...state({ dryRun: false, status: "RUNNING" }) }, userErrors: [] });
  await panel.carryOut();
  answers.startImport = ends;
  assert.deepEqual(told, [["begun", "service-2026"]]);
  assert.equal(panel.isRunning, true);
  panel.stop();
});

test("a name that is taken is said at the name, and nothing is imported", async () => {
  await open();
  panel.listName = "taken";
  await panel.carryOut();
  assert.equal(panel.nameFault, "There is a list of this name.");
  assert.equal(asked.filter((each) => each === "startImport").length, 1);
});

test("another field for a column checks the file again; two of one place are not checked", async () => {
  await open();
  panel.choose(panel.columns[1], "address");
  await settled();
  assert.equal(asked.filter((each) => each === "startImport").length, 1);
  assert.match(markup(panel.view()), /Two columns go to the same place/);
  panel.choose(panel.columns[1], null);
  for (let turn = 0; turn < 6; turn += 1) await settled();
  assert.equal(asked.filter((each) => each === "startImport").length, 2);
});

test("an upload that is refused says why, and can be tried again", async () => {
  state({ upload: { status: 413, responseText: JSON.stringify({ errors: [{ message: "A file has at most 65,536 bytes here.", extensions: {} }] }) } });
  await open();
  assert.match(markup(panel.view()), /at most 65,536 bytes[^]*|Try again[^]*/);
  assert.equal(panel.failedUpload, true);
  state({ upload: null });
  await panel.upload();
  for (let turn = 0; turn < 6; turn += 1) await settled();
  assert.equal(panel.import.status, "CHECKED");
});

test("one that runs is followed, with its pace, until its end", async () => {
  state({ status: "RUNNING", dryRun: false, read: 0, total: 3, list });
  await open({ file: null, importId: "CustomerImport_1", list });
  const [socket] = sockets;
  socket.onmessage({ data: JSON.stringify({ type: "connection_ack" }) });
  panel.look.at -= 1000;
  socket.onmessage({ data: JSON.stringify({ type: "next", payload: { data: { importChanged: { ...row(), read: 2 } } } }) });
  assert.match(markup(panel.view()), /2 of 3 lines[^]*2 a second[^]*You may leave/);
  state({ status: "FINISHED" });
  socket.onmessage({ data: JSON.stringify({ type: "next", payload: { data: { importChanged: row() } } }) });
  for (let turn = 0; turn < 6; turn += 1) await settled();
  assert.deepEqual(told.at(-1), "done");
});

test("headings become names as the API makes them", () => {
  assert.equal(ownField("Umsatz (€) Übrig"), "attributes.umsatz_ubrig");
  assert.equal(ownField("2026"), null);
  assert.deepEqual(choicesOf({ heading: "Umsatz", field: "attributes.umsatz:number" }).slice(-3), ["attributes.umsatz", "attributes.umsatz:number", "attributes.umsatz:boolean"]);
  assert.equal(nameOf("Kunden 2026.CSV"), "Kunden 2026");
});

test("columns: a place that is taken twice, and nobody's line", () => {
  assert.deepEqual([...doubled([{ field: "attributes.a" }, { field: "attributes.a:number" }, { field: null }, { field: null }])], ["attributes.a"]);
  assert.equal(mappingFault([{ field: "name" }]), "nobody");
  assert.equal(mappingFault([{ field: "externalRef" }]), null);
});

test("faults by kind, the most frequent first, each line once", () => {
  const groups = groupFaults([...faults, ...[9, 9, 12, 40, 77].map((line) => ({ line, heading: "Name", code: "TOO_LONG", message: "x" }))]);
  assert.deepEqual(groups.map(({ code, lines, more, count }) => [code, lines, more, count]), [["TOO_LONG", [9, 12, 40], 1, 4], ["ADDRESS_INVALID", [3], 0, 1]]);
});

test("the pace is lines a second, and never below zero", () => {
  assert.equal(paceOf({ read: 0, at: 0 }, { read: 500, at: 2000 }), 250);
  assert.equal(paceOf({ read: 500, at: 0 }, { read: 0, at: 2000 }), 0);
  assert.equal(paceOf({ read: 0, at: 5 }, { read: 1, at: 5 }), 0);
});
