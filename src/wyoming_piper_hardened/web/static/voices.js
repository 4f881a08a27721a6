/** The table of voices: what is here, what can be had, and what can be done about each. */

import { api } from "./api.js";
import { KeyedList, byId, element, icon, setAttribute, setText } from "./dom.js";
import { errorOf, nameParts, progressOf, voiceTitle } from "./state.js";

/** Rows that are shown at once; a button asks for more. */
const PAGE = 10;
const HERE = new Set(["installed", "custom", "embedded"]);

export class Voices {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {import("./listening.js").Listening} listening
   */
  constructor(words, notices, listening) {
    this.words = words;
    this.notices = notices;
    this.listening = listening;
    /** @type {any[]} as the server has them, in our order */
    this.voices = [];
    /** @type {Map<string, any>} works under way, by the voice's name */
    this.works = new Map();
    /** @type {Map<string, any>} open issues by the voice's name */
    this.issues = new Map();
    /** @type {Map<string, string>} what was asked for here and has not been seen under way yet */
    this.expected = new Map();
    /** @type {Set<string>} languages of the reader and of the voices that are here */
    this.familiar = new Set();
    this.shown = PAGE;
    /** Called with the voices that can speak, whenever they change. */
    this.onVoices = (/** @type {any[]} */ _) => {};
    this.list = new KeyedList(
      byId("voice-rows"),
      (voice) => this.#create(voice),
      (node, voice) => this.#update(node, voice),
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
    byId("voice-more").addEventListener("click", () => this.#more());
    byId("voice-reset").addEventListener("click", () => {
      byId("voice-filter").reset();
      this.search.focus();
      this.render();
    });
  }

  /** Ask the server anew; an answer that was overtaken by another is left out. */
  async refresh() {
    const asked = (this.asked = Symbol("request"));
    try {
      const { voices, languages, qualities } = await api.voices();
      if (asked !== this.asked) return;
      this.voices = voices
        .map((/** @type {any} */ voice) => this.#described(voice))
        .sort((/** @type {any} */ a, /** @type {any} */ b) => this.#order(a, b));
      this.#offer(this.language, languages.map((/** @type {any} */ one) => ({
        value: one.code,
        text: this.words.languageName(one.code, one.name),
      })), true);
      this.#offer(this.quality, qualities.map((/** @type {string} */ one) => ({
        value: one,
        text: this.#qualityName(one),
      })), false);
      const spoken = this.voices.filter((voice) => voice.here).map((voice) => voice.language);
      const read = navigator.languages.map((tag) => tag.split("-")[0]);
      this.familiar = new Set([...read, ...spoken.map((code) => code.split("_")[0])]);
      this.render();
      this.onVoices(
        this.voices
          .filter((voice) => voice.here)
          .sort((a, b) => Number(b.default) - Number(a.default)),
      );
    } catch (error) {
      if (asked === this.asked) console.info("the voices cannot be read now:", error);
    }
  }

  /** Take note of what is done to voices, and of what is wrong with them. */
  show(/** @type {any} */ status) {
    const before = this.works;
    this.works = new Map(status.works.map((/** @type {any} */ work) => [work.voice, work]));
    this.issues = new Map(status.issues.map((/** @type {any} */ issue) => [issue.subject, issue]));
    for (const [name, work] of before) if (!this.works.has(name)) this.#finished(work);
    for (const [voice, action] of this.expected) {
      // What fails at once is never seen under way.
      if (!this.works.has(voice) && this.#failure(voice)) this.#finished({ voice, action });
    }
    this.expected.clear();
    this.render();
  }

  /** Something was begun on behalf of this page, so it tells how that ends. */
  expect(/** @type {string} */ name, /** @type {string} */ action) {
    if (!this.works.has(name)) this.expected.set(name, action);
  }

  #finished(/** @type {any} */ work) {
    const issue = this.#failure(work.voice);
    const key = issue ? `failed.${work.action}` : `done.${work.action}`;
    if (!this.words.has(key)) return;
    const text = this.words.text(key, { voice: voiceTitle(work.voice) });
    if (issue) this.notices.failed(errorOf(issue), text);
    else this.notices.done(text);
  }

  /** The issue of a voice, unless it speaks in spite of it. */
  #failure(/** @type {string} */ name) {
    const issue = this.issues.get(name);
    return issue?.kind === "unprepared" ? null : issue;
  }

  /** Show the rows that fit the filter. */
  render() {
    const fitting = this.voices
      .filter((voice) => this.#fits(voice))
      .sort((a, b) => this.#rank(a) - this.#rank(b));
    const rows = fitting.slice(0, this.shown);
    this.list.show(rows, (voice) => voice.name);
    const words = this.words;
    const here = this.voices.filter((voice) => voice.here).length;
    const counts = { here, count: this.voices.length };
    setText(byId("voice-count"), this.voices.length ? words.text("voices.count", counts) : "");
    const more = byId("voice-more");
    more.hidden = fitting.length <= rows.length;
    setText(more, words.text("voices.more", { count: fitting.length - rows.length }));
    byId("voice-none").hidden = fitting.length > 0 || !this.voices.length;
    byId("voice-table").hidden = !fitting.length;
    setText(byId("voice-found"), words.text("voices.found", { count: fitting.length }));
  }

  #more() {
    const first = this.shown;
    this.shown = Infinity;
    this.render();
    const row = byId("voice-rows").children[first];
    row?.querySelector("button:not([hidden])")?.focus();
  }

  #described(/** @type {any} */ voice) {
    const { title } = nameParts(voice.name);
    const language = this.words.languageName(voice.language, voice.language_name);
    const text = [voice.name, title, language, voice.language_name, voice.country].join(" ");
    return {
      ...voice,
      title,
      languageName: language,
      here: HERE.has(voice.state),
      sought: text.toLowerCase(),
    };
  }

  /** The default first, then what is here, then what comes, then what the reader may like. */
  #rank(/** @type {any} */ voice) {
    if (voice.here) return voice.default ? 0 : 1;
    if (this.works.has(voice.name)) return 2;
    const family = voice.language.split("_")[0];
    if (family === this.words.language) return 3;
    return this.familiar.has(family) ? 4 : 5;
  }

  #order(/** @type {any} */ a, /** @type {any} */ b) {
    return (
      this.words.collator.compare(a.languageName, b.languageName) ||
      this.words.collator.compare(a.title, b.title) ||
      this.words.collator.compare(a.name, b.name)
    );
  }

  #fits(/** @type {any} */ voice) {
    const sought = this.search.value.toLowerCase().split(/\s+/);
    const place = this.place.value;
    return (
      sought.every((/** @type {string} */ part) => voice.sought.includes(part)) &&
      (!this.language.value || voice.language === this.language.value) &&
      (!this.quality.value || voice.quality === this.quality.value) &&
      (!place || (place === "here") === voice.here)
    );
  }

  /** Fill a choice, but for its first entry; what is chosen stays so. */
  #offer(
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

  #create(/** @type {any} */ voice) {
    const words = this.words;
    const act = (
      /** @type {string} */ name,
      /** @type {any} */ picture,
      /** @type {string} */ kind,
      /** @type {() => unknown} */ action,
    ) => {
      const label = words.text(`voice.${name}`);
      const button = element("button", { type: "button", class: kind, "data-act": name }, icon(picture));
      if (kind.includes("icon-only")) setAttribute(button, "title", label);
      else button.append(element("span", {}, label));
      setAttribute(button, "aria-label", `${label}: ${voice.title}`);
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") !== "true") action();
      });
      return button;
    };
    const name = voice.name;
    const row = element(
      "tr",
      { role: "row" },
      element(
        "th",
        { scope: "row", role: "rowheader" },
        element("span", { class: "voice-title" }),
        element("span", { class: "voice-name soft" }),
        element("span", { class: "voice-language soft" }),
      ),
      element("td", { role: "cell", class: "voice-quality" }),
      element("td", { role: "cell", class: "voice-size" }),
      element(
        "td",
        { role: "cell", class: "voice-state" },
        element("span", { class: "badge" }),
        element("span", { class: "voice-note soft" }),
        element(
          "span",
          { class: "voice-work" },
          element("progress", { max: "1" }),
          element("span", { class: "soft" }),
        ),
      ),
      element(
        "td",
        { role: "cell", class: "voice-actions" },
        act("repair", "repair", "quiet icon-only", () => this.#ask("repair", name)),
        act("remove", "remove", "quiet icon-only", () => this.#remove(name)),
        act("listen", "play", "button", () => this.listening.toggle(this.#current(name))),
        act("install", "install", "button", () => this.#ask("install", name)),
      ),
    );
    return row;
  }

  #current(/** @type {string} */ name) {
    return this.voices.find((voice) => voice.name === name);
  }

  #update(/** @type {Element} */ row, /** @type {any} */ voice) {
    const words = this.words;
    const [head, quality, size, state, actions] = /** @type {any} */ (row.children);
    const [title, name, language] = head.children;
    setText(title, voice.title);
    setText(language, voice.languageName);
    setText(name, voice.title === voice.name ? "" : voice.name);
    setText(quality, this.#qualityName(voice.quality ?? ""));
    setText(size, voice.bytes ? words.megabytes(voice.bytes) : "");
    const work = this.works.get(voice.name);
    this.#updateState(state, voice, work);
    this.#updateActions(actions, voice, work);
    setAttribute(row, "aria-busy", work ? "true" : null);
    setAttribute(row, "class", voice.here ? "here" : "available");
  }

  #updateState(/** @type {any} */ cell, /** @type {any} */ voice, /** @type {any} */ work) {
    const words = this.words;
    const [badge, note, doing] = cell.children;
    const issue = this.issues.get(voice.name);
    const state = issue ? "trouble" : voice.default ? "default" : voice.state;
    setText(badge, words.text(`voice.state.${state}`));
    setAttribute(badge, "class", `badge ${state}`);
    badge.hidden = Boolean(work);
    const notes = [];
    if (voice.number_of_speakers > 1) {
      notes.push(words.text("voice.speakers", { count: voice.number_of_speakers }));
    }
    if (voice.prepared === false) notes.push(words.text("voice.unprepared"));
    setText(note, notes.join(" · "));
    note.hidden = Boolean(work) || !notes.length;
    doing.hidden = !work;
    if (!work) return;
    const { key, part } = progressOf(work);
    const [bar, text] = doing.children;
    setAttribute(bar, "value", part === null ? null : part.toFixed(3));
    setAttribute(bar, "aria-label", `${words.text(`work.action.${work.action}`)}: ${voice.title}`);
    const { done, total } = work.progress;
    const bytes = { done: words.number(Math.round(done / 1e6)), total: words.megabytes(total) };
    setText(text, words.text(key, bytes));
  }

  #updateActions(/** @type {any} */ cell, /** @type {any} */ voice, /** @type {any} */ work) {
    const [repair, remove, listen, install] = cell.children;
    const hadFocus = cell.contains(document.activeElement);
    listen.hidden = !voice.here;
    install.hidden = voice.here;
    repair.hidden = !voice.here;
    remove.hidden = !voice.here || voice.state === "embedded";
    for (const button of [install, repair, remove]) {
      setAttribute(button, "aria-disabled", work ? "true" : null);
    }
    this.#updateListen(listen, voice);
    if (hadFocus && document.activeElement?.hasAttribute("hidden")) {
      cell.querySelector("button:not([hidden])")?.focus();
    }
  }

  #updateListen(/** @type {HTMLElement} */ button, /** @type {any} */ voice) {
    const sounding = this.listening.voice === voice.name;
    const wanted = sounding ? "stop" : "play";
    if (button.dataset.icon !== wanted) {
      button.dataset.icon = wanted;
      button.firstElementChild?.replaceWith(icon(wanted));
    }
    const label = this.words.text(sounding ? "say.stop" : "voice.listen");
    if (button.lastElementChild) setText(button.lastElementChild, label);
    setAttribute(button, "aria-label", `${label}: ${voice.title}`);
  }

  async #ask(/** @type {"install"|"repair"} */ action, /** @type {string} */ name) {
    try {
      await api[action](name);
      this.expect(name, action);
    } catch (error) {
      this.notices.failed(error, this.words.text(`failed.${action}`, { voice: voiceTitle(name) }));
    }
  }

  async #remove(/** @type {string} */ name) {
    const dialog = byId("remove-dialog");
    setText(byId("remove-title"), this.words.text("remove.title", { voice: voiceTitle(name) }));
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
