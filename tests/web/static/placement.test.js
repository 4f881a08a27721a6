import assert from "node:assert/strict";
import test from "node:test";

import { placeFor } from "../../../wyoming_piper_hardened/web/static/placement.js";

const VIEW = { width: 390, height: 720 };
const WIDE = { width: 350, height: 100 };
const NARROW = { width: 240, height: 140 };

/** @param {number} left @param {number} top @param {number} width @param {number} height */
const rect = (left, top, width, height) => ({ left, top, width, height });

test("a message is at the bottom right where nothing can be pressed", () => {
  assert.deepEqual(placeFor(VIEW, [WIDE], []), { ...rect(24, 604, 350, 100), covered: 0 });
});

test("a message goes up until it covers nothing", () => {
  const { top, covered } = placeFor(VIEW, [WIDE], [rect(0, 500, 390, 200)]);
  assert.equal(covered, 0);
  assert.ok(top + WIDE.height <= 500 && top > 350);
});

test("a message is narrow beside a column of buttons", () => {
  const buttons = Array.from({ length: 12 }, (_, at) => rect(270, at * 60, 104, 44));
  const { left, width, covered } = placeFor(VIEW, [WIDE, NARROW], buttons);
  assert.equal(covered, 0);
  assert.deepEqual([left, width], [16, 240]);
});

test("where everything can be pressed a message covers least", () => {
  const place = placeFor(VIEW, [WIDE], [rect(0, 0, 390, 400), rect(300, 400, 90, 320)]);
  assert.ok(place.top > 400);
  assert.ok(place.covered > 0);
});

test("a message stays in a window that is too low for it", () => {
  const { left, top } = placeFor({ width: 300, height: 90 }, [WIDE], []);
  assert.deepEqual([left, top], [16, 16]);
});
