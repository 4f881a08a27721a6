import assert from "node:assert/strict";
import test from "node:test";

import {
  isBefore,
  isVoiceName,
  nameParts,
  progressOf,
  summary,
} from "../../../wyoming_piper_hardened/web/static/state.js";

/** @param {string} kind */
const failure = (kind) => ({ kind, at: "idle", detail: {}, message: `English of ${kind}` });
/** @param {string} state @param {any} [last] */
const worker = (state, last = null) => /** @type {any} */ ({ state, last_failure: last });
const JOE = "en_US-joe-medium";
const QUIET = /** @type {any} */ ({
  ready: true,
  voice: JOE,
  speaks: JOE,
  default_voice: { name: JOE },
  workers: [worker("running")],
  issues: [],
  jobs: [],
});
const STARTING = { ...QUIET, ready: false, workers: [worker("starting")] };
const DAMAGED = { subject: JOE, kind: "damaged", params: {}, message: "English of damaged" };
const UNNEEDED = { subject: "nl_NL-ria-low", kind: "missing", params: {}, message: "", needed: false };
const DISK = { ...UNNEEDED, subject: "data_dir", kind: "no-space" };
const FAILING = { ...DAMAGED, kind: "failing", params: { failure: failure("hung") } };
const INSTEAD = { ...QUIET, speaks: "de_DE-eva_k-x_low" };
const INSTALL = { voice: JOE, action: "install" };

/** @type {[string, any, string, string, string|undefined, string][]} */
const CASES = [
  ["connecting", null, "wait", "connecting", undefined, ""],
  ["lost", QUIET, "bad", "lost", undefined, ""],
  ["refused", null, "bad", "refused", undefined, ""],
  ["open", QUIET, "good", "ready", undefined, ""],
  ["open", { ...QUIET, issues: [DAMAGED] }, "warn", "ready", undefined, ""],
  ["open", { ...QUIET, issues: [UNNEEDED] }, "good", "ready", undefined, ""],
  ["open", { ...QUIET, issues: [{ ...UNNEEDED, needed: true }] }, "warn", "ready", undefined, ""],
  ["open", { ...QUIET, issues: [DISK] }, "warn", "ready", undefined, ""],
  ["open", { ...QUIET, issues: [UNNEEDED, DAMAGED] }, "warn", "ready", undefined, ""],
  ["open", INSTEAD, "warn", "instead", undefined, ""],
  ["open", { ...INSTEAD, jobs: [INSTALL] }, "wait", "coming", undefined, ""],
  ["open", STARTING, "wait", "starting", undefined, ""],
  ["open", { ...STARTING, issues: [DAMAGED] }, "bad", "broken", undefined, "English of damaged"],
  ["open", { ...STARTING, issues: [FAILING] }, "bad", "broken", "hung", "English of damaged"],
  ["open", { ...STARTING, speaks: null }, "bad", "silent", undefined, ""],
  ["open", { ...STARTING, speaks: null, jobs: [INSTALL] }, "wait", "fetching", undefined, ""],
  [
    "open",
    { ...STARTING, workers: [worker("backoff", failure("exit"))] },
    "warn",
    "recovering",
    "exit",
    "English of exit",
  ],
  [
    "open",
    { ...STARTING, workers: [worker("fatal", failure("start"))] },
    "bad",
    "broken",
    "start",
    "English of start",
  ],
];

for (const [link, status, tone, key, kind, reason] of CASES) {
  test(`summary is ${key} (${tone}) on a ${link} link`, () => {
    const found = summary(/** @type {any} */ (link), status);
    assert.deepEqual(
      [found.tone, found.key, found.failure?.kind, found.reason],
      [tone, `state.${key}`, kind, reason],
    );
  });
}

test("parts of a name", () => {
  assert.deepEqual(nameParts("en_US-hfc_female-medium"), {
    title: "Hfc female",
    language: "en_US",
    quality: "medium",
  });
  assert.deepEqual(nameParts("robot"), { title: "robot", language: "", quality: "" });
  assert.deepEqual([isVoiceName(JOE), isVoiceName("robot")], [true, false]);
});

test("progress of a job", () => {
  const at = (/** @type {string} */ step, total = 0) =>
    progressOf({ voice: JOE, action: "install", progress: { step, file: "", done: 1, total } });
  assert.deepEqual(at("fetching", 4), { key: "job.fetching", part: 0.25 });
  assert.deepEqual(at("fetching"), { key: "job.asking", part: null });
  assert.deepEqual(at("testing"), { key: "job.testing", part: null });
  const progress = { step: "waiting", file: "", done: 0, total: 0 };
  assert.deepEqual(progressOf({ voice: JOE, action: "verify", progress }), {
    key: "job.verify",
    part: null,
  });
});

test("of two that one run of the server said, the one with less uptime is older", () => {
  const at = (/** @type {number} */ started_at, /** @type {number} */ uptime) => ({ started_at, uptime });
  assert.equal(isBefore(at(1000, 5), at(1000, 5.5)), true);
  assert.equal(isBefore(at(1000, 5.5), at(1000, 5)), false);
  assert.equal(isBefore(at(1000, 5), at(1000, 5)), false);
  assert.equal(isBefore(at(2000, 5), at(1000, 900)), false); // started again
});
