import assert from "node:assert/strict";
import test from "node:test";

import { History, median, roundUp } from "../../../wyoming_piper_hardened/web/static/history.js";

test("history of weeks stays within its limit", () => {
  const history = new History(240);
  let most = 0;
  for (let at = 0; at < 14 * 86_400; at += 7) {
    history.add(at, { server: at });
    most = Math.max(most, history.moments.length);
  }
  assert.equal(most, 240);
  assert.equal(history.moments[0].at, 0);
});

test("median", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), 0);
});

test("roundUp", () => {
  assert.deepEqual([0, 0.03, 151, 7.6].map(roundUp), [1, 0.04, 200, 8]);
});
