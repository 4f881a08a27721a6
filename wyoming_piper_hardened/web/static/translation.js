/** Texts, numbers and times in the language of the reader. */

import { setAttribute, setText } from "./dom.js";
import { nameParts } from "./state.js";

export const LANGUAGES = ["en", "de", "fr", "es", "nl"];

/**
 * The first language that the reader prefers and the page has; English otherwise.
 * @param {readonly string[]} preferred such as `navigator.languages`
 * @returns {string}
 */
export function choose(preferred) {
  const wanted = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/** @returns {Promise<Translation>} for the reader of this page */
export async function load() {
  const language = choose(navigator.languages);
  const answer = await fetch(new URL(`locales/${language}.json`, import.meta.url));
  const words = await answer.json();
  // Dates and numbers follow the reader's own region, if it is one of this language.
  const region = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language));
  return new Translation(language, words, region ?? language);
}

export class Translation {
  /**
   * @param {string} language
   * @param {Object<string, string|Object<string, string>>} words a text with `{places}`, or one
   *   for each plural form of `count`
   * @param {string} [locale] for numbers and dates
   */
  constructor(language, words, locale = language) {
    this.language = language;
    this.words = words;
    this.locale = locale;
    this.plurals = new Intl.PluralRules(language);
    this.languages = new Intl.DisplayNames([language], {
      type: "language",
      languageDisplay: "standard",
      fallback: "none",
    });
    this.clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
    this.date = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" });
    /** @type {Map<string, Intl.NumberFormat>} */
    this.formats = new Map();
    this.collator = new Intl.Collator(language, { numeric: true });
  }

  /** @param {string} key @returns {boolean} whether there are words for it */
  has(key) {
    return Object.hasOwn(this.words, key);
  }

  /**
   * A text; its places are filled with `values`, numbers as the reader writes them.
   * @param {string} key
   * @param {Object<string, string|number>} [values]
   * @returns {string}
   */
  text(key, values = {}) {
    if (!this.has(key)) return key;
    let pattern = this.words[key];
    if (typeof pattern !== "string") {
      pattern = pattern[this.plurals.select(Number(values.count))] ?? pattern.other;
    }
    return pattern.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name];
      return typeof value === "number" ? this.number(value) : String(value ?? "");
    });
  }

  /** @param {string} name as an issue has it @returns {string} what people call that */
  subject(name) {
    const known = `subject.${name}`;
    if (this.has(known)) return this.text(known);
    const { title, language } = nameParts(name);
    return language ? `${title} (${name})` : name;
  }

  /** Put the words into the elements that ask for them by `data-text` and `data-label`. */
  apply(/** @type {ParentNode} */ root) {
    for (const node of root.querySelectorAll("[data-text]")) {
      setText(node, this.text(node.getAttribute("data-text") ?? ""));
    }
    for (const node of root.querySelectorAll("[data-label]")) {
      setAttribute(node, "aria-label", this.text(node.getAttribute("data-label") ?? ""));
    }
    for (const node of root.querySelectorAll("[data-placeholder]")) {
      setAttribute(node, "placeholder", this.text(node.getAttribute("data-placeholder") ?? ""));
    }
  }

  /** @param {number} value @param {Intl.NumberFormatOptions} [options] @returns {string} */
  number(value, options = {}) {
    const key = JSON.stringify(options);
    let format = this.formats.get(key);
    if (!format) {
      format = new Intl.NumberFormat(this.locale, options);
      this.formats.set(key, format);
    }
    return format.format(value);
  }

  /** @param {number} bytes @returns {string} in megabytes */
  megabytes(bytes) {
    const value = bytes / 1e6;
    const digits = value > 0 && value < 1 ? 1 : 0;
    return this.number(value, { style: "unit", unit: "megabyte", maximumFractionDigits: digits });
  }

  /** @param {number} seconds @returns {string} "62 ms", "1.4 s", the same in every language */
  briefly(seconds) {
    if (seconds < 1) return `${this.number(Math.round(seconds * 1000))}\u00a0ms`;
    const digits = seconds < 10 ? 1 : 0;
    return `${this.number(seconds, { maximumFractionDigits: digits })}\u00a0s`;
  }

  /** @param {number} seconds @returns {string} "40 seconds", "3 hours", "2 days" */
  span(seconds) {
    const [unit, size] =
      seconds < 90 ? ["second", 1]
      : seconds < 5400 ? ["minute", 60]
      : seconds < 172_800 ? ["hour", 3600]
      : ["day", 86_400];
    const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 };
    return this.number(Math.floor(seconds / size), /** @type {any} */ (options));
  }

  /** @param {number} at seconds since the epoch @returns {string} with the date unless today */
  time(at) {
    const when = new Date(at * 1000);
    const today = when.toDateString() === new Date().toDateString();
    return (today ? this.clock : this.date).format(when);
  }

  /** @param {string} code such as `en_GB` @param {string} [known] if there is no word for it */
  languageName(code, known = "") {
    const [family] = code.split("_");
    try {
      // Not every code of the repository names a region that there is.
      return this.languages.of(code.replace("_", "-")) ?? this.languages.of(family) ?? known;
    } catch {
      return known || code;
    }
  }
}
