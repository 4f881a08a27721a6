/** Events, failures and issues in the reader's language. Pure: no document, no clock. */

import { isVoiceName } from "./state.js";

/**
 * @typedef {import("./types.js").Issue} Issue
 * @typedef {import("./types.js").Failure} Failure
 * @typedef {import("./types.js").LogEntry} LogEntry
 * @typedef {import("./translation.js").Translation} Translation
 */

/** Keys of `reason.…` by the kind of a failure, where they differ from it. */
const KINDS = { spawn: "start", exit: "ended", signal: "crashed" };
const SIGNALS = { SIGKILL: "killed", SIGILL: "instruction" };

/** Parameters of events that are durations in seconds; the others with these types are counts. */
const SECONDS = new Set(["seconds", "delay"]);

/**
 * @param {Failure} failure
 * @returns {string} the part of its key behind `reason.`
 */
function reasonKey({ kind, detail }) {
  if (detail.variant === "cannot-start") return "start";
  return (
    Object(SIGNALS)[kind === "signal" ? detail.signal : ""] ?? Object(KINDS)[kind] ?? kind
  );
}

/**
 * Why an engine failed, and whether what it was saying was said all the same.
 * @param {Failure|null|undefined} failure
 * @param {Translation} words
 * @returns {string} empty if there are no words for it
 */
export function failureText(failure, words) {
  if (!failure) return "";
  const key = `reason.${reasonKey(failure)}`;
  if (!words.has(key)) return "";
  const { segment, segments } = failure.detail;
  const wentOn = segments > 1 || segment?.outcome === "replayed";
  return wentOn ? `${words.text(key)} ${words.text("reason.wentOn")}` : words.text(key);
}

/** @param {Issue} issue @param {Translation} words @returns {string} */
export function issueTitle(issue, words) {
  const { worker } = issue.params;
  const subject =
    worker === undefined
      ? words.subject(issue.subject)
      : words.text("worker.name", { name: String(worker) });
  const key = `issue.${issue.kind}`;
  return words.has(key) ? words.text(key, { subject }) : `${subject}: ${issue.kind}`;
}

/**
 * @param {LogEntry} entry
 * @param {Translation} words
 * @returns {string} empty for an event that there are no words for
 */
function sentence({ event, params }, words) {
  if (event === "issue-opened" && params.issue) return issueTitle(params.issue, words);
  const key = event === "job-failed" ? `failed.${params.action}` : `event.${event}`;
  if (!words.has(key)) return "";
  const values = Object.entries(params).map(([name, value]) => [name, shown(name, value, words)]);
  const text = words.text(key, Object.fromEntries(values));
  return [text, failureText(params.failure, words)].filter(Boolean).join(" ");
}

/** A parameter as it stands in a sentence. */
function shown(
  /** @type {string} */ name,
  /** @type {unknown} */ value,
  /** @type {Translation} */ words,
) {
  if (typeof value === "number") return SECONDS.has(name) ? words.briefly(value) : value;
  return typeof value === "string" && isVoiceName(value) ? words.subject(value) : String(value);
}

/**
 * @param {LogEntry} entry
 * @param {Translation} words
 * @returns {{text: string, detail: string}} `detail` is English, and all of an event that there are
 *   no words for; then `text` is empty
 */
export function eventText(entry, words) {
  const text = sentence(entry, words);
  if (!text) return { text, detail: entry.text };
  const { reason, failure, issue } = entry.params;
  return { text, detail: reason ?? failure?.message ?? issue?.message ?? "" };
}
