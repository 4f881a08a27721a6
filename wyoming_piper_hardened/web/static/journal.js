/** What the supervisor did, the newest on top. */

import { KeyedList, byId, element, setText } from "./dom.js";
import { inWords } from "./lines.js";

/** As many as the server keeps. */
const MOST = 200;

export class JournalView {
  /** @param {import("./translation.js").Translation} words */
  constructor(words) {
    this.words = words;
    this.empty = byId("journal-empty");
    this.list = new KeyedList(
      byId("journal-list"),
      (entry) => this.#create(entry),
      () => {}, // a line of the log never changes
    );
  }

  show(/** @type {any} */ status) {
    /** @type {Map<string, number>} */
    const seen = new Map();
    const entries = status.journal.slice(-MOST).map((/** @type {any} */ entry) => {
      const key = `${entry.at} ${entry.text}`;
      const times = seen.get(key) ?? 0;
      seen.set(key, times + 1);
      return { ...entry, key: `${key} ${times}` };
    });
    this.list.show(entries.reverse(), (entry) => entry.key);
    this.empty.hidden = entries.length > 0;
  }

  #create(/** @type {any} */ entry) {
    const when = new Date(entry.at * 1000);
    const time = element("time", { datetime: when.toISOString() });
    setText(time, this.words.time(entry.at));
    const grave = entry.level === "info" || entry.level === "debug" ? "info" : entry.level;
    const level = element("span", { class: "hidden-text" });
    if (grave !== "info") {
      const key = `level.${grave}`;
      setText(level, `${this.words.has(key) ? this.words.text(key) : grave}: `);
    }
    const { text, detail } = inWords(entry.text, this.words);
    const what = element("p", {}, level, ...(text ? [text] : []));
    if (detail) {
      what.append(element("span", { ...(text && { class: "detail" }), lang: "en" }, detail));
    }
    return element("li", { class: `line ${grave}` }, time, what);
  }
}
