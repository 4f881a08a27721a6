/** Lines of the server's log in the words of the reader. Pure: no document, no clock. */

import { errorOf } from "./state.js";

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
};
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
    return { text: words.text(`log.${name}`, { ...values }), detail };
  }
  const [, subject, what, message] = TROUBLE.exec(line) ?? [];
  const detail = message ? errorOf({ message }).message : line;
  if (words.has(`issue.${what}`)) {
    return { text: words.text(`issue.${what}`, { subject: words.subject(subject) }), detail };
  }
  if (words.has(`failed.${what}`)) return { text: words.text(`failed.${what}`, { voice: subject }), detail };
  return { text: "", detail: line };
}
