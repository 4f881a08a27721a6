import assert from "node:assert/strict";
import test from "node:test";

import { bySize, outdated } from "../../../wyoming_piper_hardened/web/static/housekeeping.js";

const voice = (/** @type {string} */ name, /** @type {object} */ more) =>
  /** @type {any} */ ({ name, here: true, state: "installed", bytes: 1, version: null, available_version: null, ...more });
const names = (/** @type {any[]} */ voices) => voices.map(({ name }) => name);

test("outdated are installed voices of which the repository has another version", () => {
  const all = [
    voice("same", { version: "a", available_version: "a" }),
    voice("newer", { version: "a", available_version: "b" }),
    voice("gone", { version: "a" }),
    voice("own", { state: "custom", available_version: "b" }),
    voice("absent", { here: false, state: "available", available_version: "b" }),
  ];
  assert.deepEqual(names(outdated(all)), ["newer"]);
});

test("what takes room comes by its size, whether it can be used or not", () => {
  const all = [
    voice("small", { bytes: 5 }),
    voice("other", { bytes: 5 }),
    voice("large", { bytes: 9 }),
    voice("damaged", { here: false, state: "damaged", bytes: 7 }),
    voice("absent", { here: false, state: "available", bytes: 50 }),
  ];
  assert.deepEqual(names(bySize(all)), ["large", "damaged", "other", "small"]);
});
