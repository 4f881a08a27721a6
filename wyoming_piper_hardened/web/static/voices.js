/** The table of voices: the installed, the available, and the actions on each. */

import { About } from "./about.js";
import { api } from "./api.js";
import { exportVoice } from "./bundles.js";
import { KeyedList, byId, element, setText } from "./dom.js";
import { asVoices } from "./presets.js";
import { confirmRemoval } from "./removal.js";
import { RepositoryList } from "./repository-list.js";
import { isBefore, nameParts, voiceTitle } from "./state.js";
import { VoiceOrder, plain, searchedText } from "./voice-order.js";
import { VoiceRow } from "./voice-row.js";

/** Rows of available voices that are shown at once; a button shows the rest. */
const PAGE = 9;
/** Finished jobs that are reported at most, after the page was hidden. */
const REPORTED = 3;
const HERE = new Set(["installed", "custom", "embedded"]);

/**
 * @typedef {import("./types.js").Issue} Issue
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Started|import("./types.js").Cancelled} Answer
 * @typedef {import("./types.js").Voice} Voice
 * @typedef {import("./voice-order.js").ShownVoice} ShownVoice
 */

export class Voices {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {import("./sample.js").SamplePlayer} samples
   * @param {(installed: ShownVoice[], presets: import("./types.js").Preset[]) => void} onVoices called
   *   whenever the installed voices change, with the presets among them, the default first
   * @param {(name: string) => void} onUpload called with a voice that is to be uploaded again
   * @param {(name: string) => void} onDefault called with a voice that is to be the default
   */
  constructor(words, notices, samples, onVoices, onUpload, onDefault) {
    this.words = words;
    this.notices = notices;
    this.samples = samples;
    /** @type {ShownVoice[]} */
    this.voices = [];
    this.order = new VoiceOrder(words, navigator.languages);
    /** @type {Map<string, Job>} jobs under way, by the voice's name */
    this.jobs = new Map();
    /** @type {Map<string, Issue>} open issues by the voice's name */
    this.issues = new Map();
    /** @type {Set<string>|null} ids of the finished jobs in the last status */
    this.finished = null;
    /** @type {import("./types.js").Moment} of the last status */
    this.shownAt = { started_at: 0, uptime: 0 };
    /** @type {Map<string, Answer>} those that no newer status has followed, by the voice's name */
    this.answers = new Map();
    /** @type {Map<string, Job>} jobs that have ended since the list was read, by the voice's name */
    this.settling = new Map();
    /** @type {Set<string>} what was asked for here and has not been answered yet */
    this.asked = new Set();
    /** @type {Set<string>} voices of jobs that were begun here although an issue was open */
    this.again = new Set();
    this.shown = PAGE;
    this.onVoices = onVoices;
    this.about = new About(words, samples, (name) => this.#ask("install", name));
    const row = new VoiceRow(
      words,
      {
        about: (/** @type {string} */ name) => this.about.open(this.#current(name)),
        default: onDefault,
        repair: (/** @type {string} */ name) => this.#ask("repair", name),
        install: (/** @type {string} */ name) => this.#ask("install", name),
        remove: (/** @type {string} */ name) => this.remove(name),
        upload: onUpload,
        download: (/** @type {string} */ name) => this.download(name),
        export: (/** @type {string} */ name) => exportVoice(name, words, notices),
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
          job: this.jobs.get(voice.name) ?? this.settling.get(voice.name),
          issue: this.issues.get(voice.name),
          asked: this.asked.has(voice.name),
          sounding: samples.voice === voice.name,
        }),
    );
    this.search = byId("voice-search");
    this.language = byId("voice-language");
    this.quality = byId("voice-quality");
    this.place = byId("voice-place");
    this.repository = new RepositoryList(words, notices, () => this.refresh());
    byId("voice-filter").addEventListener("input", () => {
      this.shown = PAGE;
      this.order.renew();
      this.render();
      this.repository.search(this.search.value, this.voices.some((voice) => this.#matches(voice)));
    });
    byId("voice-filter").addEventListener("submit", (/** @type {Event} */ e) => e.preventDefault());
    byId("voice-again").addEventListener("click", () => this.refresh());
    byId("voice-more").addEventListener("click", () => this.#more());
    byId("voice-reset").addEventListener("click", () => {
      byId("voice-filter").reset();
      this.order.renew();
      this.search.focus();
      this.render();
    });
  }

  /** Ask the server anew; an answer that was overtaken by another is left out. */
  async refresh() {
    const request = (this.request = Symbol("request"));
    try {
      const { voices, presets, languages, qualities, catalogue } = await api.voices();
      if (request !== this.request) return;
      this.voices = voices.map((/** @type {Voice} */ voice) => this.#described(voice));
      this.#fillSelect(this.language, languages.map((/** @type {any} */ one) => ({
        value: one.code,
        text: this.words.languageName(one.code, one.name),
      })), true);
      this.#fillSelect(this.quality, qualities.map((/** @type {string} */ one) => ({
        value: one,
        text: this.#qualityName(one),
      })), false);
      this.settling.clear();
      this.repository.update(catalogue);
      this.#loaded(true);
      this.render();
      const here = this.order
        .arrange(this.voices, (name) => this.#isBusy(name))
        .filter((voice) => voice.here);
      const chosen = [...here, ...asVoices(presets, here)];
      this.onVoices(chosen.sort((a, b) => Number(b.default) - Number(a.default)), presets);
    } catch (error) {
      if (request !== this.request) return;
      console.info("the voices cannot be read now:", error);
      this.settling.clear();
      this.render();
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
    for (const [name, answer] of this.answers) {
      if (isBefore(status, answer.as_of)) this.#apply(answer);
      else this.answers.delete(name);
    }
    this.issues = new Map(status.issues.map((issue) => [issue.subject, issue]));
    for (const [name, job] of before) {
      // Its row shows the last step until the list has been read again.
      if (!this.jobs.has(name)) this.settling.set(name, ending(job));
    }
    for (const job of status.finished_jobs.slice(-REPORTED)) {
      if (this.finished && !this.finished.has(job.id)) this.#report(job);
    }
    this.finished = new Set(status.finished_jobs.map((job) => job.id));
    this.shownAt = status;
    this.render();
  }

  #report(/** @type {import("./types.js").FinishedJob} */ { voice, action, outcome, code, message }) {
    const done = outcome === "cancelled" ? "done.cancel" : `done.${action}`;
    const key = outcome === "failed" ? `failed.${action}` : done;
    if (!this.words.has(key)) return;
    const text = this.words.text(key, { voice: voiceTitle(voice) });
    if (outcome === "failed") this.notices.failed({ code, message }, text, this.#card(voice));
    else this.notices.done(text);
    this.again.delete(voice);
  }

  /** Show the rows that fit the filter. */
  render() {
    this.about.render();
    const fitting = this.order
      .arrange(this.voices, (name) => this.#isBusy(name))
      .filter((voice) => this.#fits(voice));
    // Installed voices are always shown, however many there are, and those that are just coming.
    const end = fitting.filter((voice) => this.order.isFirst(voice)).length + this.shown;
    const rows = fitting.filter(
      (voice, at) => at < end || voice.here || voice.state === "damaged" || this.#isBusy(voice.name),
    );
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
    this.repository.show();
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
    const quality = this.#qualityName(voice.quality ?? "");
    const speakers = this.words.text("voice.speakers", { count: voice.number_of_speakers });
    return {
      ...voice,
      title,
      languageName: language,
      qualityName: quality,
      here: HERE.has(voice.state),
      searched: searchedText(voice, title, language, quality, speakers),
    };
  }

  #isBusy(/** @type {string} */ name) {
    return this.jobs.has(name) || this.settling.has(name);
  }

  #matches(/** @type {ShownVoice} */ voice) {
    const searched = plain(this.search.value).split(/\s+/);
    return searched.every((/** @type {string} */ part) => voice.searched.includes(part));
  }

  #fits(/** @type {ShownVoice} */ voice) {
    const place = this.place.value;
    return (
      this.#matches(voice) &&
      (!this.language.value || voice.language === this.language.value) &&
      (!this.quality.value || voice.quality === this.quality.value) &&
      (!place || (place === "here") === (voice.here || voice.state === "damaged"))
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
    if (this.asked.has(name)) return;
    if (this.issues.has(name)) this.again.add(name);
    this.asked.add(name);
    this.render();
    try {
      this.#answered(await api[action](name));
    } catch (error) {
      const text = this.words.text(`failed.${action}`, { voice: voiceTitle(name) });
      this.notices.failed(error, text, action === "cancel" ? "" : this.#card(name));
    } finally {
      this.asked.delete(name);
      this.render();
    }
  }

  /** The subject of the card that reports a failure; one that was there before tells nothing new. */
  #card(/** @type {string} */ name) {
    return this.again.has(name) ? "" : name;
  }

  /** Show an answer at once, and until a newer status comes; older ones may come before that. */
  #answered(/** @type {Answer} */ answer) {
    if (isBefore(answer.as_of, this.shownAt)) return;
    this.answers.set("job" in answer ? answer.job.voice : answer.cancelled, answer);
    this.#apply(answer);
  }

  #apply(/** @type {Answer} */ answer) {
    if ("job" in answer) this.jobs.set(answer.job.voice, answer.job);
    else this.jobs.delete(answer.cancelled);
  }

  /** Save the files of a voice of the reader's own, as far as they are left. */
  async download(/** @type {string} */ name) {
    try {
      for (const href of await api.files(name)) {
        element("a", { href, download: "" }).dispatchEvent(new MouseEvent("click"));
      }
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.download", { voice: voiceTitle(name) }));
    }
  }

  /** Install the newest version of a voice. */
  update(/** @type {string} */ name) {
    this.#ask("install", name);
  }

  async remove(/** @type {string} */ name) {
    const voice = this.#current(name); // not yet, until the list has been read again
    if (!voice || !(await confirmRemoval(voice, this.words))) return;
    try {
      await api.remove(name);
      await this.refresh();
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.remove", { voice: voiceTitle(name) }));
    }
  }
}

/** A job as it is shown between its end and the new list of voices. @returns {Job} */
function ending(/** @type {Job} */ job) {
  return { ...job, progress: { ...job.progress, step: "committing" } };
}
