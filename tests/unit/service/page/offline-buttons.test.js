// What acts, while the service cannot be reached: disabled with the reason, and as it was once it is back.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { drawnActing, watchActing } from "../../../../service/page/offline-buttons.js";

function button(attributes = {}) {
  return {
    attributes: { ...attributes },
    getAttribute(name) { return this.attributes[name] ?? null; },
    setAttribute(name, value) { this.attributes[name] = value; },
    removeAttribute(name) { delete this.attributes[name]; },
  };
}

test("buttons are disabled while the service is away, say why, and come back as they were", () => {
  const [plain, busy] = [button(), button({ "aria-disabled": "true", title: "Only whole" })];
  const root = { querySelectorAll: () => [plain, busy] };
  drawnActing(root, false);
  assert.deepEqual(plain.attributes, {});
  drawnActing(root, true);
  drawnActing(root, true);
  for (const each of [plain, busy]) assert.deepEqual(each.attributes, { "aria-disabled": "true", title: "The service cannot be reached" });
  drawnActing(root, false);
  assert.deepEqual(plain.attributes, {});
  assert.deepEqual(busy.attributes, { "aria-disabled": "true", title: "Only whole" });
});

test("a press comes to nothing only while the service is away, and only on what acts", () => {
  const said = [];
  const app = { offline: true, announce: (text) => said.push(text) };
  watchActing(app);
  const press = (acts) => {
    const event = new Event("click", { cancelable: true });
    Object.defineProperty(event, "target", { value: { closest: () => (acts ? {} : null) } });
    document.dispatchEvent(event);
    return event.defaultPrevented;
  };
  assert.equal(press(true), true);
  assert.equal(press(false), false);
  app.offline = false;
  assert.equal(press(true), false);
  assert.deepEqual(said, ["The service cannot be reached"]);
});
