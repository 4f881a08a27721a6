/** Lines of the server's log in the words of the reader. Pure: no document, no clock. */

import { errorOf, nameParts } from "./state.js";

/**
 * The lines as the server writes them, by the words that say the same; `why` is the number of the
 * place that holds a message in the server's words.
 * @type {Object<string, {line: string, why?: number}>}
 */
const LINES = {
  listening: { line: "listening on %s; default voice %s" },
  page: { line: "web page and API on %s" },
  stopping: { line: "stopping" },
  ready: { line: "worker %s is ready (pid %d, %.2f s)" },
  replaced: { line: "worker %s: %s. A new process starts in %.1f s", why: 1 },
  failing: {
    line: "worker %s: %s. It is tried again in %.0f s, or at once after a repair",
    why: 1,
  },
  worn: { line: "worker %s is replaced after %d segments, %d MB" },
  unloadable: { line: "worker %s cannot load a voice: %s", why: 1 },
  unspoken: { line: "worker %s cannot speak a segment of %d characters: %s", why: 2 },
  voice: { line: "%s speaks from %s" },
  instead: { line: "%s speaks instead of %s: %s", why: 2 },
  unprepared: { line: "%s is used as it is: each sentence starts later" },
  unloaded: { line: "%s is not loaded yet: %s", why: 1 },
  again: { line: "%s: tried again in %.0f s" },
  download: { line: "%s; trying again in %.0f s", why: 0 },
  announced: { line: "%s: announced to Home Assistant" },
  unannounced: { line: "%s: cannot be discovered yet: %s: %s; tried again", why: 2 },
  left: { line: "%s: left before its audio was complete" },
  refused: { line: "refused a connection: %s", why: 0 },
  cleared: { line: "repair_on_start is done and has been cleared" },
  mistake: { line: "unexpected error in an answer; please report this" },
  installing: { line: "%s is being installed" },
  repairing: { line: "%s is being repaired" },
  removed: { line: "%s has been removed" },
  calledOff: { line: "the installation of %s has been called off" },
  restart: { line: "every worker is replaced, because somebody asked for it" },
};
/**
 * Why an engine ended, as the server says it in English, by the words that say the same.
 * @type {Object<string, RegExp>}
 */
const REASONS = {
  memory: /\bgrew to \d+ MB/,
  killed: /\bkilled by signal 9\b/,
  instruction: /\billegal instruction\b/,
  crashed: /\bcrashed\b|\baborted itself\b|\bkilled by \S/,
  hung: /\bmade nothing for\b|\bdid not answer a ping\b|\bwas not ready after\b/,
  start: /\bcould not start\b|\bcannot be started\b/,
  ended: /\bended by itself\b/,
};
const WENT_ON = /\bwhich goes on from sample\b/;
/** What is wrong, or could not be done, with something: `en_US-joe-medium: damaged: …`. */
const TROUBLE = /^(\S+|worker \d+): ([a-z-]+): (.+)$/s;

const PLACE = /%(?:s|d|\.\df)/;
const FIGURE = /^\d+(?:\.\d+)?$/;
const FORMS = Object.entries(LINES).map(([name, { line, why }]) => {
  const places = line.match(new RegExp(PLACE, "g")) ?? [];
  const parts = line.split(PLACE).map((part) => part.replace(/[.()]/g, "\\$&"));
  const holes = places.map((place) => (place === "%s" ? "(.+?)" : "([\\d.]+)"));
  const source = parts.flatMap((part, index) => [part, holes[index] ?? ""]).join("");
  return { name, why, places, pattern: new RegExp(`^${source}$`, "s") };
});

/**
 * Why an engine ended, and whether what it was saying was said all the same.
 * @param {string} reason in the server's words
 * @param {import("./translation.js").Translation} words
 * @returns {string} empty if we have no words for it
 */
export function reasonInWords(reason, words) {
  const found = Object.keys(REASONS).find((name) => REASONS[name].test(reason));
  const parts = found ? [words.text(`reason.${found}`)] : [];
  if (found && WENT_ON.test(reason)) parts.push(words.text("reason.wentOn"));
  return parts.join(" ");
}

/**
 * @param {string} line of the server's log
 * @param {import("./translation.js").Translation} words
 * @returns {{text: string, detail: string}} `detail` is in the server's words, and so is all of a
 *   line that we have no words for; then `text` is empty
 */
export function inWords(line, words) {
  for (const { name, why, places, pattern } of FORMS) {
    const match = pattern.exec(line);
    if (!match) continue;
    const values = match.slice(1).map((value, index) =>
      places[index] !== "%s" && FIGURE.test(value) ? words.number(Number(value)) : value,
    );
    const detail = why === undefined ? "" : match[why + 1];
    const named = values.map((value, index) =>
      places[index] === "%s" && nameParts(value).language ? words.subject(value) : value,
    );
    const text = words.text(`log.${name}`, { ...named });
    return { text: [text, reasonInWords(detail, words)].filter(Boolean).join(" "), detail };
  }
  const [, subject, what, message] = TROUBLE.exec(line) ?? [];
  const detail = message ? errorOf({ message }).message : line;
  if (words.has(`issue.${what}`)) {
    return { text: words.text(`issue.${what}`, { subject: words.subject(subject) }), detail };
  }
  if (words.has(`failed.${what}`)) return { text: words.text(`failed.${what}`, { voice: subject }), detail };
  return { text: "", detail: line };
}
