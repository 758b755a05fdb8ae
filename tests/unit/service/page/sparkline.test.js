// Sparklines: bars from 0 to the highest value.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { markup } from "./browser.js";
import { bars, sparkline } from "../../../../service/page/sparkline.js";

test("the highest value fills the height, zero is still seen, and what is no number counts as zero", () => {
  const drawn = bars([0, 5, 10, NaN, -3]);
  assert.deepEqual(drawn.map((bar) => bar.height), [1.5, 14, 28, 1.5, 1.5]);
  assert.deepEqual(drawn.map((bar) => bar.y + bar.height), [28, 28, 28, 28, 28]);
  assert.ok(drawn.at(-1).x + drawn.at(-1).width <= 120);
  assert.deepEqual(bars([]), []);
});

test("it has a name where one is given, else it is hidden; the last bar is the strongest", () => {
  assert.match(markup(sparkline([1, 2], { label: "By hour" })), /role="img" aria-label=By hour/);
  const hidden = markup(sparkline([1, 2], { tone: "red" }));
  assert.match(hidden, /class="spark red".*aria-hidden="true"/s);
  assert.deepEqual([...hidden.matchAll(/fill-opacity=([\d.]+)/g)].map((found) => found[1]), ["0.5", "1"]);
});
