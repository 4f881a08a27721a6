/** The user's dictionary: words that voices get wrong, heard, added, corrected, removed. */

import { ApiError, api } from "./api.js";
import { KeyedList, byId, element, icon, setAttribute, setText } from "./dom.js";
import { showReason } from "./notices.js";

/** @typedef {import("./types.js").DictionaryEntry} Entry */

/** Words that are shown at once; a search finds the others. */
const MOST = 100;
/** Words from which on a search is offered. */
const MANY = 10;
const ANY = "*";

const keyOf = (/** @type {Entry} */ { language, word }) => `${language} ${word}`;

export class Dictionary {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./translation.js").Translation} words
   * @param {(language: string) => string} voiceFor the name of a voice that speaks a language
   * @param {() => void} onChange called when what is said has changed
   */
  constructor(player, words, voiceFor, onChange) {
    this.player = player;
    this.words = words;
    this.voiceFor = voiceFor;
    this.onChange = onChange;
    this.box = byId("dictionary");
    this.form = byId("dictionary-form");
    this.word = byId("dictionary-word");
    this.spoken = byId("dictionary-spoken");
    this.language = byId("dictionary-language");
    this.search = byId("dictionary-search");
    this.outcome = byId("dictionary-outcome");
    this.cancel = byId("dictionary-cancel");
    this.save = byId("dictionary-save");
    /** @type {import("./types.js").Dictionary|null} */
    this.shown = null;
    /** @type {Entry|null} the one that is being corrected */
    this.corrected = null;
    /** @type {string[]} languages of voices, the chosen one first */
    this.languages = [];
    /** The language that somebody has chosen; until then that of the voice. */
    this.picked = "";
    this.issues = "";
    this.list = new KeyedList(
      byId("dictionary-list"),
      (/** @type {Entry} */ entry) => this.#create(entry),
      (node, entry) => this.#update(node, entry),
    );
    this.box.addEventListener("toggle", () => this.box.open && this.#read());
    window.addEventListener("focus", () => this.box.open && this.#read());
    this.language.addEventListener("change", () => (this.picked = this.language.value));
    this.search.addEventListener("input", () => this.#render());
    this.cancel.addEventListener("click", () => this.#correct(null));
    byId("dictionary-hear").addEventListener("click", () => {
      this.#hear(this.spoken.value, this.language.value);
    });
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#save();
    });
    this.#render();
  }

  /** Follow the issues, which name mistakes in the files. */
  show(/** @type {import("./types.js").Status} */ status) {
    const own = status.issues.filter((issue) => issue.kind === "dictionary");
    const issues = JSON.stringify(own.map((issue) => [issue.id, issue.message]));
    if (issues !== this.issues && this.box.open) this.#read();
    this.issues = issues;
  }

  /** @param {string[]} languages of the voices that can speak, that of the chosen one first */
  setLanguages(languages) {
    const codes = languages.map((code) => code.split("_")[0]);
    this.languages = [...new Set(codes)].filter(Boolean);
    this.#fillLanguages();
  }

  async #read() {
    try {
      this.shown = await api.dictionary();
      this.#render();
    } catch (error) {
      this.#report(this.words.text("dictionary.unread"), error);
    }
  }

  #fillLanguages() {
    const used = (this.shown?.entries ?? []).map(({ language }) => language);
    const codes = [...new Set([...this.languages, ...used, ANY])];
    const chosen = this.corrected?.language ?? this.picked;
    this.language.replaceChildren(
      ...codes.map((code) => element("option", { value: code }, this.#languageName(code))),
    );
    this.language.value = codes.includes(chosen) ? chosen : codes[0];
  }

  #languageName(/** @type {string} */ code) {
    return code === ANY ? this.words.text("dictionary.anyLanguage") : this.words.languageName(code);
  }

  #render() {
    const { words, shown } = this;
    const entries = shown?.entries ?? [];
    const wanted = this.search.value.trim().toLowerCase();
    const found = entries
      .filter(({ word, spoken }) => `${word} ${spoken}`.toLowerCase().includes(wanted))
      .sort((a, b) => words.collator.compare(a.word, b.word));
    byId("dictionary-search-field").hidden = entries.length < MANY;
    this.list.show(found.slice(0, MOST), keyOf);
    const more = found.length - MOST;
    const none = shown && !entries.length ? words.text("dictionary.none") : "";
    setText(byId("dictionary-more"), more > 0 ? words.text("dictionary.more", { count: more }) : none);
    const file = shown?.file ? words.text("dictionary.file", { file: shown.file }) : "";
    setText(byId("dictionary-file"), file);
    const errors = shown?.errors ?? [];
    const mistakes = byId("dictionary-mistakes");
    mistakes.hidden = !errors.length;
    byId("dictionary-errors").replaceChildren(
      ...errors.map(({ file: where, line, message }) => {
        const key = line ? "dictionary.line" : "dictionary.wholeFile";
        const place = element("span", {}, words.text(key, { file: where, line: String(line) }));
        return element("li", {}, place, " ", element("span", { lang: "en" }, message));
      }),
    );
    setText(this.save, words.text(this.corrected ? "dictionary.save" : "dictionary.add"));
    this.word.readOnly = Boolean(this.corrected);
    this.cancel.hidden = !this.corrected;
    this.#fillLanguages();
    this.language.disabled = Boolean(this.corrected);
  }

  #create(/** @type {Entry} */ entry) {
    const action = (
      /** @type {"play"|"repair"|"remove"} */ picture,
      /** @type {string} */ key,
      /** @type {() => void} */ run,
    ) => {
      const button = element("button", { type: "button", class: "quiet icon-only" }, icon(picture));
      const label = this.words.text(key, { word: entry.word });
      button.setAttribute("aria-label", label);
      button.title = label;
      button.addEventListener("click", run);
      return button;
    };
    const changes = element(
      "span",
      { class: "changes" },
      action("repair", "dictionary.correct", () => this.#correct(this.#current(entry))),
      action("remove", "dictionary.remove", () => this.#remove(entry)),
    );
    return element(
      "li",
      {},
      element("span", { class: "dictionary-pair" }, element("b"), " → ", element("span")),
      element("span", { class: "soft" }),
      element(
        "span",
        { class: "buttons" },
        action("play", "dictionary.listen", () => this.#hear(entry.word, entry.language)),
        changes,
      ),
    );
  }

  #update(/** @type {Element} */ node, /** @type {Entry} */ entry) {
    const [pair, language] = /** @type {any} */ (node.children);
    setText(pair.firstElementChild, entry.word);
    setText(pair.lastElementChild, entry.spoken || this.words.text("dictionary.silence"));
    setText(language, this.#languageName(entry.language));
  }

  #current(/** @type {Entry} */ entry) {
    const entries = this.shown?.entries ?? [];
    return entries.find((one) => keyOf(one) === keyOf(entry)) ?? null;
  }

  /** Take an entry into the form, or let go of it. */
  #correct(/** @type {Entry|null} */ entry) {
    this.corrected = entry;
    this.word.value = entry?.word ?? "";
    this.spoken.value = entry?.spoken ?? "";
    this.#render();
    (entry ? this.spoken : this.word).focus();
    this.#report("");
  }

  async #save() {
    const word = this.word.value.trim();
    if (!word) {
      this.word.focus();
      return;
    }
    const spoken = this.spoken.value.trim();
    const language = this.language.value;
    const corrected = Boolean(this.corrected);
    await this.#change(
      (version) => api.putWord({ language, word, spoken, version }),
      corrected ? "dictionary.corrected" : "dictionary.added",
      word,
      () => this.#correct(null),
    );
  }

  async #remove(/** @type {Entry} */ entry) {
    await this.#change(
      (version) => api.removeWord({ language: entry.language, word: entry.word, version }),
      "dictionary.removed",
      entry.word,
      () => {
        if (this.corrected && keyOf(this.corrected) === keyOf(entry)) this.#correct(null);
        else this.word.focus();
      },
    );
  }

  /** Change something; what somebody has written stays if that fails. */
  async #change(
    /** @type {(version: string) => Promise<import("./types.js").Dictionary>} */ change,
    /** @type {string} */ key,
    /** @type {string} */ word,
    /** @type {() => void} */ done,
  ) {
    if (this.save.disabled) return;
    this.save.disabled = true;
    try {
      this.shown = await change(this.shown?.version ?? "");
      this.#render();
      done();
      this.#report(this.words.text(key, { word }));
      this.onChange();
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) await this.#read();
      this.#report(this.words.text("dictionary.failed", { word }), error);
    } finally {
      this.save.disabled = false;
    }
  }

  async #hear(/** @type {string} */ text, /** @type {string} */ language) {
    if (!text.trim()) return;
    const voice = this.voiceFor(language);
    try {
      await this.player.play({ text, ...(voice && { voice }) }, this);
    } catch (error) {
      this.#report(this.words.text("say.failed"), error);
    }
  }

  #report(/** @type {string} */ text, /** @type {any} */ error = null) {
    const [line, why] = this.outcome.children;
    setText(line, text);
    if (error) showReason(why, error, this.words);
    else setText(why, "");
    setAttribute(this.outcome, "class", error ? "failed" : "soft");
  }
}
