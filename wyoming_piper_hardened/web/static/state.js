/** What a status means, for people. Pure: no document, no clock. */

/** @typedef {"wait"|"good"|"warn"|"bad"} Tone */
/** @typedef {{tone: Tone, key: string, values: Object<string, string>, reason: string}} Summary */

/**
 * The one line on top.
 * @param {import("./link.js").LinkState} link
 * @param {any} status the last one, or null
 * @returns {Summary} `reason` is in the server's words, often empty
 */
export function summary(link, status) {
  const say = (/** @type {Tone} */ tone, /** @type {string} */ key, values = {}, reason = "") => ({
    tone,
    key: `state.${key}`,
    values,
    reason,
  });
  if (link === "refused") return say("bad", "refused");
  if (link === "lost") return say("bad", "lost");
  if (!status) return say("wait", "connecting");
  const voice = voiceTitle(status.voice);
  const busy = status.works.find((/** @type {any} */ work) => work.voice === status.voice);
  if (status.ready) {
    const tone = status.issues.length ? "warn" : "good";
    if (status.speaks === status.voice) return say(tone, "ready", { voice });
    const speaks = voiceTitle(status.speaks ?? "");
    if (busy?.action === "install") return say("wait", "coming", { voice, speaks });
    return say("warn", "instead", { voice, speaks });
  }
  const trouble = troubleOf(status);
  if (trouble) return say("bad", "broken", {}, trouble);
  const failing = status.workers.find((/** @type {any} */ one) => one.state === "backoff");
  if (failing) return say("warn", "recovering", {}, failing.last_failure ?? "");
  if (!status.speaks) return say(busy ? "wait" : "bad", busy ? "fetching" : "silent", { voice });
  return say("wait", "starting", { voice: voiceTitle(status.speaks) });
}

/** Why nothing is spoken, if that is more than a start that takes its time. */
function troubleOf(/** @type {any} */ status) {
  const ofVoice = status.issues.find(
    (/** @type {any} */ issue) =>
      [status.voice, status.speaks].includes(issue.subject) && issue.kind !== "unprepared",
  );
  if (ofVoice && status.speaks) return ofVoice.message;
  const workers = status.workers;
  const fatal = workers.filter((/** @type {any} */ one) => one.state === "fatal");
  return workers.length && fatal.length === workers.length ? fatal[0].last_failure ?? "" : "";
}

/**
 * The error that an issue tells of; a failed work puts its code before its message.
 * @param {any} issue
 * @returns {{code: string, message: string}} `code` is empty where there was no error
 */
export function errorOf(issue) {
  const match = /^([a-z]+(?:-[a-z]+)*): (.+)$/s.exec(issue.message);
  return match ? { code: match[1], message: match[2] } : { code: "", message: issue.message };
}

/** @typedef {{title: string, language: string, quality: string}} Parts */

/**
 * What a voice's name says, by the hub's convention.
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

/** @param {string} name @returns {string} what people call the voice */
export function voiceTitle(name) {
  return nameParts(name).title;
}

/**
 * How far a work on a voice is.
 * @param {any} work as the status has it
 * @returns {{key: string, part: number|null}} `part` from 0 to 1, null when nobody knows
 */
export function progressOf(work) {
  if (work.action === "verify" || work.action === "remove") {
    return { key: `work.${work.action}`, part: null };
  }
  const { step, done, total } = work.progress;
  if (step === "fetching" && total > 0) return { key: "work.fetching", part: done / total };
  return { key: step === "fetching" ? "work.asking" : `work.${step}`, part: null };
}
