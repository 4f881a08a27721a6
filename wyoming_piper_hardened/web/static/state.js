/** Summaries of a status. Pure: no document, no clock. */

/**
 * @typedef {import("./types.js").Status} Status
 * @typedef {import("./types.js").Failure} Failure
 */

/** @typedef {{failure: Failure|null, reason: string}} IssueReason */
/** @typedef {"wait"|"good"|"warn"|"bad"} Tone */
/** @typedef {{tone: Tone, key: string, values: Object<string, string>,
 *   failure: Failure|null, reason: string}} Summary */

/** @type {IssueReason} */
const NO_ISSUE = { failure: null, reason: "" };

/**
 * The one line on top.
 * @param {import("./link.js").LinkState} link
 * @param {Status|null} status the last one
 * @returns {Summary} `reason` is English, often empty
 */
export function summary(link, status) {
  const say = (
    /** @type {Tone} */ tone,
    /** @type {string} */ key,
    values = {},
    /** @type {IssueReason} */ { failure, reason } = NO_ISSUE,
  ) => ({ tone, key: `state.${key}`, values, failure, reason });
  if (link === "refused") return say("bad", "refused");
  if (link === "lost") return say("bad", "lost");
  if (!status) return say("wait", "connecting");
  const voice = voiceTitle(status.voice);
  const job = status.jobs.find((one) => one.voice === status.voice);
  if (status.ready) {
    const tone = status.issues.some(isUrgent) ? "warn" : "good";
    if (status.speaks === status.voice) {
      return say(tone, "ready", { voice: voiceTitle(status.default_voice.name) });
    }
    const speaks = voiceTitle(status.speaks ?? "");
    if (job?.action === "install") return say("wait", "coming", { voice, speaks });
    return say("warn", "instead", { voice, speaks });
  }
  const found = issueOf(status);
  if (found) return say("bad", "broken", {}, found);
  const failing = status.workers.find((one) => one.state === "backoff");
  if (failing) return say("warn", "recovering", {}, ofFailure(failing.last_failure));
  if (!status.speaks) return say(job ? "wait" : "bad", job ? "fetching" : "silent", { voice });
  return say("wait", "starting", { voice: voiceTitle(status.speaks) });
}

/**
 * Whether the server said one thing before another; what two runs of it said has no order.
 * @param {import("./types.js").Moment} one
 * @param {import("./types.js").Moment} other
 */
export function isBefore(one, other) {
  return one.started_at === other.started_at && one.uptime < other.uptime;
}

/** Kinds of issues of a voice that does not matter as long as nobody needs it. */
const HARMLESS = new Set(["missing", "rejected", "unreachable", "no-space", "stale", "unprepared"]);
/** Subjects of such issues that are no voices. */
const EVERYONES = new Set(["catalogue", "data_dir"]);

/** Whether an issue is more than that of a voice which no setting names. */
function isUrgent(/** @type {import("./types.js").Issue} */ { kind, subject, needed }) {
  return needed || !HARMLESS.has(kind) || EVERYONES.has(subject);
}

/** Why nothing is spoken, if that is more than a start that takes its time. */
function issueOf(/** @type {Status} */ status) {
  const ofVoice = status.issues.find(
    (issue) =>
      [status.voice, status.speaks].includes(issue.subject) && issue.kind !== "unprepared",
  );
  if (ofVoice && status.speaks) {
    return { failure: ofVoice.params.failure ?? null, reason: ofVoice.message };
  }
  const workers = status.workers;
  const fatal = workers.filter((one) => one.state === "fatal");
  return workers.length && fatal.length === workers.length ? ofFailure(fatal[0].last_failure) : null;
}

/** @param {Failure|null} failure @returns {IssueReason} */
function ofFailure(failure) {
  return { failure, reason: failure?.message ?? "" };
}

/** @typedef {{title: string, language: string, quality: string}} Parts */

/**
 * The parts of a voice's name, by the repository's convention.
 * @param {string} name such as `en_US-hfc_female-medium`
 * @returns {Parts} of a name of another form only the title
 */
export function nameParts(name) {
  const match = /^([a-z]{2,3}_[A-Z]{2})-(.+)-(x_low|low|medium|high)$/.exec(name);
  if (!match) return { title: name, language: "", quality: "" };
  const words = match[2].split("_").join(" ");
  return {
    title: words.charAt(0).toUpperCase() + words.slice(1),
    language: match[1],
    quality: match[3],
  };
}

/** @param {string} name @returns {boolean} whether it has the repository's form */
export function isVoiceName(name) {
  return nameParts(name).language !== "";
}

/** @param {string} name @returns {string} what people call the voice */
export function voiceTitle(name) {
  return nameParts(name).title;
}

/**
 * The progress of a job.
 * @param {import("./types.js").Job} job
 * @returns {{key: string, part: number|null}} `part` from 0 to 1, null when nobody knows
 */
export function progressOf(job) {
  if (job.action === "verify" || job.action === "remove") {
    return { key: `job.${job.action}`, part: null };
  }
  const { step, done, total } = job.progress;
  if (step === "fetching" && total > 0) return { key: "job.fetching", part: done / total };
  return { key: step === "fetching" ? "job.asking" : `job.${step}`, part: null };
}
