/** The last lines of the log, the newest on top. */

import { KeyedList, byId, element, setText } from "./dom.js";
import { eventText } from "./events.js";

/** @typedef {import("./types.js").LogEntry} LogEntry */

/** As many as the server keeps. */
const MOST = 200;

export class RecentLog {
  /** @param {import("./translation.js").Translation} words */
  constructor(words) {
    this.words = words;
    this.empty = byId("recent-log-empty");
    this.list = new KeyedList(
      byId("recent-log-list"),
      (/** @type {LogEntry & {key: string}} */ entry) => this.#create(entry),
      () => {}, // a line of the log never changes
    );
  }

  show(/** @type {import("./types.js").Status} */ status) {
    /** @type {Map<string, number>} */
    const seen = new Map();
    const entries = status.recent_log.slice(-MOST).map((entry) => {
      const key = `${entry.at} ${entry.text}`;
      const times = seen.get(key) ?? 0;
      seen.set(key, times + 1);
      return { ...entry, key: `${key} ${times}` };
    });
    this.list.show(entries.reverse(), (entry) => entry.key);
    this.empty.hidden = entries.length > 0;
  }

  #create(/** @type {LogEntry} */ entry) {
    const when = new Date(entry.at * 1000);
    const time = element("time", { datetime: when.toISOString() });
    setText(time, this.words.time(entry.at));
    const grave = entry.level === "info" || entry.level === "debug" ? "info" : entry.level;
    const level = element("span", { class: "hidden-text" });
    if (grave !== "info") {
      const key = `level.${grave}`;
      setText(level, `${this.words.has(key) ? this.words.text(key) : grave}: `);
    }
    const { text, detail } = eventText(entry, this.words);
    const line = element("p", {}, level, ...(text ? [text] : []));
    if (detail) {
      line.append(element("span", { ...(text && { class: "detail" }), lang: "en" }, detail));
    }
    return element("li", { class: `line ${grave}`, "data-event": entry.event }, time, line);
  }
}
