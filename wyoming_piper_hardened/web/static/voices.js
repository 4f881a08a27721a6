/** The table of voices: the installed, the available, and the actions on each. */

import { api } from "./api.js";
import { KeyedList, byId, element, setText } from "./dom.js";
import { nameParts, voiceTitle } from "./state.js";
import { VoiceRow } from "./voice-row.js";

/** Rows of available voices that are shown at once; a button shows the rest. */
const PAGE = 9;
/** The rank of voices with a job; those before are installed. */
const BUSY = 2;
/** Finished jobs that are reported at most, after the page was hidden. */
const REPORTED = 3;
const HERE = new Set(["installed", "custom", "embedded"]);

const ENGLISH = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** A text as it is searched: `en-GB`, `Français` and `francais` find what they should. */
function plain(/** @type {string} */ text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("-", "_").toLowerCase();
}

/**
 * @typedef {import("./types.js").Issue} Issue
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Voice} Voice
 * @typedef {Voice & {title: string, languageName: string, qualityName: string, here: boolean,
 *   searched: string}} ShownVoice a voice as the table has it
 */

export class Voices {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {import("./sample.js").SamplePlayer} samples
   * @param {(installed: ShownVoice[]) => void} onVoices called whenever the installed voices change
   */
  constructor(words, notices, samples, onVoices) {
    this.words = words;
    this.notices = notices;
    this.samples = samples;
    /** @type {ShownVoice[]} in our order */
    this.voices = [];
    /** @type {Map<string, Job>} jobs under way, by the voice's name */
    this.jobs = new Map();
    /** @type {Map<string, Issue>} open issues by the voice's name */
    this.issues = new Map();
    /** @type {Set<string>|null} ids of the finished jobs in the last status */
    this.finished = null;
    /** @type {Set<string>} voices of jobs that have finished since the list was read */
    this.settling = new Set();
    /** @type {Set<string>} what was asked for here and has not been answered yet */
    this.asked = new Set();
    /** @type {Set<string>} languages of the voices that are here */
    this.spoken = new Set();
    this.shown = PAGE;
    this.onVoices = onVoices;
    const row = new VoiceRow(
      words,
      {
        repair: (/** @type {string} */ name) => this.#ask("repair", name),
        install: (/** @type {string} */ name) => this.#ask("install", name),
        remove: (/** @type {string} */ name) => this.#remove(name),
        cancel: (/** @type {string} */ name) => this.#ask("cancel", name),
        listen: (/** @type {string} */ name) => samples.toggle(this.#current(name)),
      },
      () => this.render(),
    );
    this.list = new KeyedList(
      byId("voice-rows"),
      (/** @type {ShownVoice} */ voice) => row.create(voice),
      (node, voice) =>
        row.update(node, voice, {
          job: this.jobs.get(voice.name),
          issue: this.issues.get(voice.name),
          asked: this.asked.has(voice.name),
          sounding: samples.voice === voice.name,
        }),
    );
    this.search = byId("voice-search");
    this.language = byId("voice-language");
    this.quality = byId("voice-quality");
    this.place = byId("voice-place");
    byId("voice-filter").addEventListener("input", () => {
      this.shown = PAGE;
      this.render();
    });
    byId("voice-filter").addEventListener("submit", (/** @type {Event} */ e) => e.preventDefault());
    byId("voice-again").addEventListener("click", () => this.refresh());
    byId("voice-more").addEventListener("click", () => this.#more());
    byId("voice-reset").addEventListener("click", () => {
      byId("voice-filter").reset();
      this.search.focus();
      this.render();
    });
  }

  /** Ask the server anew; an answer that was overtaken by another is left out. */
  async refresh() {
    const request = (this.request = Symbol("request"));
    try {
      const { voices, languages, qualities } = await api.voices();
      if (request !== this.request) return;
      this.voices = voices
        .map((/** @type {Voice} */ voice) => this.#described(voice))
        .sort((/** @type {ShownVoice} */ a, /** @type {ShownVoice} */ b) => this.#order(a, b));
      this.#fillSelect(this.language, languages.map((/** @type {any} */ one) => ({
        value: one.code,
        text: this.words.languageName(one.code, one.name),
      })), true);
      this.#fillSelect(this.quality, qualities.map((/** @type {string} */ one) => ({
        value: one,
        text: this.#qualityName(one),
      })), false);
      const here = this.voices.filter((voice) => voice.here);
      this.spoken = new Set(here.map((voice) => voice.language.split("_")[0]));
      this.settling.clear();
      this.#loaded(true);
      this.render();
      this.onVoices(
        this.voices
          .filter((voice) => voice.here)
          .sort((a, b) => Number(b.default) - Number(a.default)),
      );
    } catch (error) {
      if (request !== this.request) return;
      console.info("the voices cannot be read now:", error);
      this.#loaded(this.voices.length > 0);
    }
  }

  #loaded(/** @type {boolean} */ readable) {
    byId("voice-loading").hidden = true;
    byId("voice-unread").hidden = readable;
  }

  /** Show the jobs and the issues of the voices. */
  show(/** @type {import("./types.js").Status} */ status) {
    const before = this.jobs;
    this.jobs = new Map(status.jobs.map((job) => [job.voice, job]));
    this.issues = new Map(status.issues.map((issue) => [issue.subject, issue]));
    for (const name of before.keys()) {
      // It keeps its position until the list has been read again.
      if (!this.jobs.has(name)) this.settling.add(name);
    }
    for (const job of status.finished_jobs.slice(-REPORTED)) {
      if (this.finished && !this.finished.has(job.id)) this.#report(job);
    }
    this.finished = new Set(status.finished_jobs.map((job) => job.id));
    this.render();
  }

  #report(/** @type {import("./types.js").FinishedJob} */ { voice, action, outcome, code, message }) {
    const done = outcome === "cancelled" ? "done.cancel" : `done.${action}`;
    const key = outcome === "failed" ? `failed.${action}` : done;
    if (!this.words.has(key)) return;
    const text = this.words.text(key, { voice: voiceTitle(voice) });
    if (outcome === "failed") this.notices.failed({ code, message }, text);
    else this.notices.done(text);
  }

  /** Show the rows that fit the filter. */
  render() {
    const fitting = this.voices
      .filter((voice) => this.#fits(voice))
      .sort((a, b) => this.#rank(a) - this.#rank(b));
    // Installed voices are always shown, however many there are.
    const here = fitting.filter((voice) => this.#rank(voice) < BUSY + 1).length;
    const rows = fitting.slice(0, here + this.shown);
    const table = byId("voice-rows");
    const hadFocus = table.contains(document.activeElement);
    this.list.show(rows, (voice) => voice.name);
    if (hadFocus && !table.contains(document.activeElement)) {
      byId("voices").focus({ preventScroll: true }); // the row that had it is gone
    }
    const words = this.words;
    const installed = this.voices.filter((voice) => voice.here).length;
    const counts = { here: installed, count: this.voices.length };
    setText(byId("voice-count"), this.voices.length ? words.text("voices.count", counts) : "");
    const more = byId("voice-more");
    more.hidden = fitting.length <= rows.length;
    setText(more, words.text("voices.more", { count: fitting.length - rows.length }));
    byId("voice-none").hidden = fitting.length > 0 || !this.voices.length;
    byId("voice-table").hidden = !fitting.length;
    setText(byId("voice-found"), words.text("voices.found", { count: fitting.length }));
  }

  #more() {
    const first = byId("voice-rows").childElementCount;
    this.shown = Infinity;
    this.render();
    const row = byId("voice-rows").children[first];
    row?.querySelector("button:not([hidden])")?.focus();
  }

  /** @returns {ShownVoice} */
  #described(/** @type {Voice} */ voice) {
    const { title } = nameParts(voice.name);
    const language = this.words.languageName(voice.language, voice.language_name);
    const { name, language_name: own, country } = voice;
    const [family, region] = voice.language.split("_");
    const known = [this.#english(family), this.#regionName(family, region)];
    const names = [name, title, language, own, country, ...known];
    return {
      ...voice,
      title,
      languageName: language,
      qualityName: this.#qualityName(voice.quality ?? ""),
      here: HERE.has(voice.state),
      searched: plain(names.join(" ")),
    };
  }

  #english(/** @type {string} */ family) {
    try {
      return ENGLISH.of(family) ?? "";
    } catch {
      return ""; // no code of a language
    }
  }

  /** A country's own name, such as "Deutschland". */
  #regionName(/** @type {string} */ family, /** @type {string} */ region) {
    try {
      return new Intl.DisplayNames([family], { type: "region", fallback: "none" }).of(region) ?? "";
    } catch {
      return ""; // no language or no region that the browser knows
    }
  }

  /** The default first, then the installed, those with a job, those in the languages of the reader. */
  #rank(/** @type {ShownVoice} */ voice) {
    if (voice.here) return voice.default ? 0 : 1;
    if (this.jobs.has(voice.name) || this.settling.has(voice.name)) return BUSY;
    const family = voice.language.split("_")[0];
    const tags = navigator.languages.map((tag) => tag.replace("-", "_"));
    if (tags.includes(voice.language)) return 3 + tags.indexOf(voice.language) / 100;
    const families = tags.map((tag) => tag.split("_")[0]);
    if (families.includes(family)) return 4 + families.indexOf(family) / 100;
    if (family === this.words.language) return 5;
    return this.spoken.has(family) ? 6 : 7;
  }

  #order(/** @type {ShownVoice} */ a, /** @type {ShownVoice} */ b) {
    return (
      this.words.collator.compare(a.languageName, b.languageName) ||
      this.words.collator.compare(a.title, b.title) ||
      this.words.collator.compare(a.name, b.name)
    );
  }

  #fits(/** @type {ShownVoice} */ voice) {
    const searched = plain(this.search.value).split(/\s+/);
    const place = this.place.value;
    return (
      searched.every((/** @type {string} */ part) => voice.searched.includes(part)) &&
      (!this.language.value || voice.language === this.language.value) &&
      (!this.quality.value || voice.quality === this.quality.value) &&
      (!place || (place === "here") === voice.here)
    );
  }

  /** Fill a choice, but for its first entry; what is chosen stays so. */
  #fillSelect(
    /** @type {HTMLSelectElement} */ select,
    /** @type {{value: string, text: string}[]} */ options,
    /** @type {boolean} */ sorted,
  ) {
    if (sorted) options.sort((a, b) => this.words.collator.compare(a.text, b.text));
    const chosen = select.value;
    const made = options.map(({ value, text }) => {
      const option = /** @type {HTMLOptionElement} */ (element("option", { value }));
      setText(option, text);
      return option;
    });
    select.replaceChildren(select.options[0], ...made);
    select.value = chosen;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  }

  #qualityName(/** @type {string} */ quality) {
    const key = `quality.${quality}`;
    return this.words.has(key) ? this.words.text(key) : quality;
  }

  #current(/** @type {string} */ name) {
    return /** @type {ShownVoice} */ (this.voices.find((voice) => voice.name === name));
  }

  async #ask(/** @type {"install"|"repair"|"cancel"} */ action, /** @type {string} */ name) {
    this.asked.add(name);
    this.render();
    try {
      await api[action](name);
      if (action === "cancel" && this.jobs.delete(name)) this.settling.add(name);
    } catch (error) {
      this.notices.failed(error, this.words.text(`failed.${action}`, { voice: voiceTitle(name) }));
    } finally {
      this.asked.delete(name);
      this.render();
    }
  }

  async #remove(/** @type {string} */ name) {
    const dialog = byId("remove-dialog");
    const { state, title, qualityName } = this.#current(name);
    const voice = qualityName ? `${title} (${qualityName})` : title;
    setText(byId("remove-title"), this.words.text("remove.title", { voice }));
    const about = state === "custom" ? "remove.own" : "remove.fromRepository";
    setText(byId("remove-about"), this.words.text(about));
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "remove") return;
    try {
      await api.remove(name);
      await this.refresh();
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.remove", { voice: voiceTitle(name) }));
    }
  }
}
