// A page that keeps itself up to date: a lost connection, reconnecting, and a hidden tab.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { newPage } from "./browser.js";
import { LiveChanges } from "../../../../service/page/customers/live-changes.js";

let sockets;
let news;
let live;
let drawn;

class Socket {
  constructor(url, protocol) {
    Object.assign(this, { url, protocol, sent: [], closed: false });
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() {
    this.closed = true;
    this.onclose?.();
  }
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }
  /** The service has taken the connection. */
  open() {
    this.onopen();
    this.say({ type: "connection_ack" });
  }
  changed(messageId) { this.say({ type: "next", payload: { data: { customerEmailsChanged: { messageId, kind: "MESSAGE" } } } }); }
}

const hide = (hidden) => {
  document.hidden = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
};
const newest = () => sockets.at(-1);

beforeEach(() => {
  newPage();
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = Socket;
  sockets = [];
  news = [];
  drawn = [];
  live = new LiveChanges("Customer_7", { onNews: (ids) => news.push([...ids]), changed: () => drawn.push(live.state) });
});

afterEach(() => {
  live.stop();
  mock.timers.reset();
});

test("one subscription of this customer makes the page live; its first connection brings no news", () => {
  assert.deepEqual([live.state, newest().url, newest().protocol], ["connecting", "ws://mail.example/graphql", "graphql-transport-ws"]);
  newest().open();
  assert.deepEqual(newest().sent.map(({ type }) => type), ["connection_init", "subscribe"]);
  assert.deepEqual(newest().sent[1].payload.variables, { id: "Customer_7" });
  assert.deepEqual([live.state, news], ["live", []]);
  newest().close();
  newest().onclose();
  assert.deepEqual(drawn, ["live", "polling"], "drawn again when its state has changed");
});

test("changes of one moment are reported together, those after it by themselves", () => {
  newest().open();
  newest().changed("m1");
  mock.timers.tick(149);
  newest().changed("m2");
  newest().changed("m1");
  assert.deepEqual(news, []);
  mock.timers.tick(1);
  assert.deepEqual(news, [["m1", "m2"]]);
  newest().changed(null);
  mock.timers.tick(150);
  assert.deepEqual(news, [["m1", "m2"], []]);
});

test("a page that lost its connection polls every five seconds until it is live again, and then catches up", () => {
  newest().open();
  mock.timers.tick(1_000);
  newest().close();
  assert.equal(live.state, "polling");
  mock.timers.tick(4_999);
  assert.deepEqual(news, []);
  mock.timers.tick(1);
  assert.deepEqual(news, [[]]);
  mock.timers.tick(5_000);
  assert.deepEqual(news, [[], []]);
  newest().open();
  assert.deepEqual([live.state, news], ["live", [[], [], []]]);
  mock.timers.tick(60_000);
  assert.equal(news.length, 3, "a live page does not poll");
  assert.equal(sockets.length, 2);
});

test("reconnecting waits longer each time, half a minute at most", () => {
  for (const seconds of [1, 2, 5, 10, 30, 30]) {
    const before = sockets.length;
    newest().close();
    mock.timers.tick(seconds * 1_000 - 1);
    assert.equal(sockets.length, before, `not before ${seconds} s`);
    mock.timers.tick(1);
    assert.equal(sockets.length, before + 1);
  }
});

test("a connection that ends at once does not start the waits anew, one that lasted a second does", () => {
  newest().close();
  mock.timers.tick(1_000);
  newest().open();
  mock.timers.tick(999);
  newest().close();
  mock.timers.tick(1_999);
  assert.equal(sockets.length, 2);
  mock.timers.tick(1);
  assert.equal(sockets.length, 3);
  newest().open();
  mock.timers.tick(1_000);
  newest().close();
  mock.timers.tick(1_000);
  assert.equal(sockets.length, 4);
});

test("a hidden page has no connection and asks for nothing; when it is looked at it catches up", () => {
  newest().open();
  newest().changed("m1");
  hide(true);
  assert.deepEqual([live.state, newest().closed], ["asleep", true]);
  mock.timers.tick(600_000);
  assert.deepEqual([news, sockets.length], [[], 1]);
  hide(false);
  assert.deepEqual([live.state, news, sockets.length], ["connecting", [[]], 2]);
  newest().open();
  newest().changed("m2");
  mock.timers.tick(150);
  assert.equal(news.at(-1).includes("m2"), true);
  hide(false);
  assert.equal(sockets.length, 2, "a visible page that becomes visible has a connection already");
});

test("a page that is hidden while it polls stops polling and reconnecting", () => {
  newest().close();
  hide(true);
  mock.timers.tick(600_000);
  assert.deepEqual([news, sockets.length], [[], 1]);
});

test("a page that was left asks no more, looked at or not", () => {
  newest().open();
  live.stop();
  assert.equal(newest().closed, true);
  hide(true);
  hide(false);
  mock.timers.tick(600_000);
  assert.deepEqual([news, sockets.length], [[], 1]);
});

test("a ping is answered; an error or the end of the subscription is a lost connection", () => {
  for (const type of ["error", "complete"]) {
    newest().open();
    newest().say({ type: "ping" });
    assert.deepEqual(newest().sent.at(-1), { type: "pong" });
    newest().say({ type: "unknown" });
    newest().say({ type: "next", payload: { errors: [{ message: "no" }] } });
    assert.equal(live.state, "live");
    newest().say({ type });
    assert.deepEqual([live.state, newest().closed], ["polling", true]);
    mock.timers.tick(2_000);
  }
});
