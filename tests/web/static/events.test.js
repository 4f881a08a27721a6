import assert from "node:assert/strict";
import test from "node:test";

import {
  eventText,
  failureText,
  issueTitle,
} from "../../../wyoming_piper_hardened/web/static/events.js";
import { translation } from "./locales.js";

const GERMAN = translation("de", "de-DE");
const ENGLISH = translation("en");
const JOE = "en_US-joe-medium";
const TITLED = `Joe (${JOE})`;
const MESSAGE = "xqzw"; // nothing may depend on the server's sentences

/** @param {string} kind @param {Object<string, any>} [detail] */
const failure = (kind, detail = {}) => ({ kind, at: "speaking", detail, message: MESSAGE });
const CRASH = failure("signal", {
  signal: "SIGBUS",
  segment: { characters: 9, outcome: "replayed", sample: 512 },
});
/** @param {string} kind @param {string} subject @param {Object<string, any>} [params] */
const issue = (kind, subject, params = {}) =>
  /** @type {any} */ ({ kind, subject, params, message: MESSAGE });

/** @type {[string, Object<string, any>, string, string][]} */
const CASES = [
  [
    "worker-ready",
    { worker: "1", pid: 7, seconds: 1.57 },
    "Sprachmaschine 1 ist bereit, nach 1,6\u00a0s.",
    "",
  ],
  [
    "worker-failed",
    { worker: "2", failure: CRASH, delay: 0.5 },
    "Sprachmaschine 2 ist ausgefallen; in 500\u00a0ms startet eine neue. Sie ist abgestürzt. Der " +
      "Satz ging in einer anderen Sprachmaschine weiter; nichts ging verloren.",
    MESSAGE,
  ],
  [
    "worker-recycled",
    { worker: "1", segments: 12000, megabytes: 900 },
    "Sprachmaschine 1 hat lange genug gearbeitet und wird ohne Lücke ersetzt (12.000 Sätze, 900 MB).",
    "",
  ],
  ["voice-serving", { voice: JOE, folder: "/data" }, `${TITLED} ist da und kann sprechen.`, ""],
  ["voice-removed", { voice: JOE }, `${TITLED} wurde entfernt.`, ""],
  ["install-started", { voice: "robot" }, "robot wird installiert.", ""],
  ["issue-opened", { issue: issue("damaged", JOE) }, `${TITLED} ist beschädigt`, MESSAGE],
  [
    "issue-opened",
    { issue: issue("failing", "worker 1", { worker: "1" }) },
    "Fällt immer wieder aus: Sprachmaschine 1",
    MESSAGE,
  ],
  [
    "job-failed",
    { voice: JOE, action: "remove", code: "store-unusable", reason: MESSAGE },
    `${TITLED} konnte nicht entfernt werden.`,
    MESSAGE,
  ],
  ["something-new", { voice: JOE }, "", "English text"],
  ["", {}, "", "English text"],
];

for (const [event, params, text, detail] of CASES) {
  test(`event ${event || "without a name"}: ${text.slice(0, 40)}`, () => {
    const entry = { at: 0, level: "info", event, params, text: "English text" };
    assert.deepEqual(eventText(entry, GERMAN), { text, detail });
  });
}

/** @type {[any, string][]} */
const REASONS = [
  [failure("spawn", { error: "?" }), "It could not start."],
  [failure("start", { error: "?" }), "It could not start."],
  [failure("exit", { variant: "cannot-start" }), "It could not start."],
  [failure("exit", { code: 1 }), "It ended by itself."],
  [failure("load", { error: "?" }), "It could not load the voice."],
  [failure("hung", { seconds: 10 }), "It hung."],
  [failure("memory", { megabytes: 900 }), "It took too much memory."],
  [failure("signal", { signal: "SIGSEGV" }), "It crashed."],
  [failure("signal", { signal: "SIGABRT" }), "It crashed."],
  [failure("protocol", { variant: "unreadable" }), ENGLISH.text("reason.protocol")],
  [failure("internal"), ENGLISH.text("reason.internal")],
  [failure("signal", { signal: "SIGKILL" }), ENGLISH.text("reason.killed")],
  [failure("signal", { signal: "SIGILL" }), ENGLISH.text("reason.instruction")],
  [failure("hung", { segment: { outcome: "quarantined" } }), "It hung."],
  [CRASH, `It crashed. ${ENGLISH.text("reason.wentOn")}`],
  [failure("hung", { segments: 2 }), `It hung. ${ENGLISH.text("reason.wentOn")}`],
  [failure("unknown-kind"), ""],
  [null, ""],
];

for (const [one, expected] of REASONS) {
  test(`failure ${one?.kind} ${JSON.stringify(one?.detail ?? {})}`, () => {
    assert.equal(failureText(one, ENGLISH), expected);
  });
}

test("title of an issue of an unknown kind", () => {
  assert.equal(issueTitle(issue("strange", "catalogue"), ENGLISH), "the list of voices: strange");
});
