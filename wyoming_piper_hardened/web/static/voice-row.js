/** One row of the table of voices. */

import { element, icon, setAttribute, setText } from "./dom.js";
import { progressOf } from "./state.js";

/**
 * @typedef {import("./voice-order.js").ShownVoice} ShownVoice
 * @typedef {{about: Function, repair: Function, remove: Function, listen: Function, install: Function,
 *   default: Function, cancel: Function, upload: Function, download: Function,
 *   export: Function}} Actions each called with the voice's name
 * @typedef {{job: import("./types.js").Job|undefined,
 *   issue: import("./types.js").Issue|undefined, asked: boolean, sounding: boolean}} Circumstances
 *   the job and the issue of the voice, if any; whether an action was requested that has not begun
 *   yet; whether its sample is playing
 */

/** Milliseconds in which a press on a button that took another one's place cannot be meant. */
const UNEXPECTED = 700;

export class VoiceRow {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {Actions} actions
   * @param {() => void} refresh updates the rows: what has just appeared can be pressed now
   */
  constructor(words, actions, refresh) {
    this.words = words;
    this.actions = actions;
    this.refresh = refresh;
    /** @type {Set<Element>} buttons that have just appeared */
    this.fresh = new Set();
  }

  /** @param {ShownVoice} voice @returns {Element} to be filled by `update` */
  create(voice) {
    const act = (
      /** @type {keyof Actions} */ name,
      /** @type {any} */ picture,
      /** @type {string} */ kind,
    ) => {
      const label = this.words.text(`voice.${name}`);
      const button = element("button", { type: "button", class: kind, "data-act": name }, icon(picture));
      if (kind.includes("icon-only")) setAttribute(button, "title", label);
      else button.append(element("span", {}, label));
      setAttribute(button, "aria-label", `${label}: ${this.#spoken(voice)}`);
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") !== "true") this.actions[name](voice.name);
      });
      return button;
    };
    return element(
      "tr",
      { role: "row" },
      element(
        "th",
        { scope: "row", role: "rowheader" },
        this.#title(voice),
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
          { class: "voice-job" },
          element("progress", { max: "1" }),
          element("span", { class: "soft" }),
        ),
      ),
      element(
        "td",
        { role: "cell", class: "voice-actions" },
        act("default", "default", "quiet icon-only changes"),
        act("repair", "repair", "quiet icon-only changes"),
        act("download", "install", "quiet icon-only changes"),
        act("export", "export", "quiet icon-only changes"),
        act("remove", "remove", "quiet icon-only changes"),
        act("listen", "play", "button"),
        act("install", "install", "button changes"),
        act("upload", "upload", "button changes"),
        act("cancel", "close", "button changes"),
      ),
    );
  }

  /** The title, which tells more when it is pressed. */
  #title(/** @type {ShownVoice} */ voice) {
    const title = this.words.text("voice.about");
    const button = element("button", { type: "button", class: "quiet voice-title", title });
    button.setAttribute("aria-haspopup", "dialog");
    button.addEventListener("click", () => this.actions.about(voice.name));
    return button;
  }

  /** Show the state of a voice. */
  update(/** @type {Element} */ row, /** @type {ShownVoice} */ voice, /** @type {Circumstances} */ now) {
    const [head, quality, size, state, actions] = /** @type {any} */ (row.children);
    const [title, name, language] = head.children;
    setText(title, voice.title);
    setText(language, voice.languageName);
    setText(name, voice.title === voice.name ? "" : voice.name);
    setText(quality, voice.qualityName);
    setText(size, voice.bytes ? this.words.megabytes(voice.bytes) : "");
    setAttribute(size, "title", this.words.text(voice.here ? "voice.onDisk" : "voice.toFetch"));
    this.#updateState(state, voice, now);
    this.#updateActions(actions, voice, now);
    setAttribute(row, "aria-busy", now.job ? "true" : null);
    setAttribute(row, "class", voice.here || voice.state === "damaged" ? "here" : "available");
  }

  /** The voice in a label of a button, for screen readers; some voices have equal titles. */
  #spoken(/** @type {ShownVoice} */ voice) {
    return [voice.title, voice.qualityName].filter(Boolean).join(", ");
  }

  #updateState(
    /** @type {any} */ cell,
    /** @type {ShownVoice} */ voice,
    /** @type {Circumstances} */ { job, issue },
  ) {
    const words = this.words;
    const [badge, note, doing] = cell.children;
    const state = issue ? "problem" : voice.default ? "default" : voice.state;
    setText(badge, words.text(`voice.state.${state}`));
    setAttribute(badge, "class", `badge ${state}`);
    badge.hidden = Boolean(job);
    const notes = [];
    if (voice.number_of_speakers > 1) {
      notes.push(words.text("voice.speakers", { count: voice.number_of_speakers }));
    }
    if (voice.state === "unusable") notes.push(words.text("error.phonemizer-missing"));
    if (voice.prepared === false) notes.push(words.text("voice.unprepared"));
    setText(note, notes.join(" · "));
    note.hidden = Boolean(job) || !notes.length;
    doing.hidden = !job;
    if (!job) return;
    const { key, part } = progressOf(job);
    const [bar, text] = doing.children;
    setAttribute(bar, "value", part === null ? null : part.toFixed(3));
    const action = words.text(`job.action.${job.action}`);
    setAttribute(bar, "aria-label", `${action}: ${this.#spoken(voice)}`);
    const { done, total } = job.progress;
    const bytes = { done: words.number(Math.round(done / 1e6)), total: words.megabytes(total) };
    setText(text, words.text(key, bytes));
  }

  #updateActions(
    /** @type {any} */ cell,
    /** @type {ShownVoice} */ voice,
    /** @type {Circumstances} */ { job, issue, asked, sounding },
  ) {
    const [standard, repair, download, exported, remove, listen, install, upload, cancel] = cell.children;
    const hadFocus = cell.contains(document.activeElement);
    const coming = job?.action === "install";
    const cancellable = coming && job?.progress.step !== "committing";
    const idle = !job && !asked;
    const kept = voice.here || voice.state === "damaged";
    const lost = voice.state === "damaged" || issue?.suggestion === "upload";
    this.#show(listen, voice.here || voice.state === "available", true);
    this.#show(cancel, !kept && coming, cancellable && !asked);
    this.#show(install, !kept && !coming && voice.state !== "unusable", idle);
    this.#show(upload, lost, idle);
    this.#show(standard, voice.here && !voice.default, idle);
    this.#show(repair, voice.here && !lost, idle);
    this.#show(download, voice.state === "custom" || lost, idle);
    this.#show(exported, voice.here && !lost, idle);
    this.#show(remove, kept && voice.state !== "embedded", idle);
    this.#updateListen(listen, voice, sounding);
    // The focus is nowhere once its button is hidden; some browsers notice at once, others later.
    const active = document.activeElement;
    if (hadFocus && (!cell.contains(active) || active?.hasAttribute("hidden"))) {
      cell.querySelector("button:not([hidden])")?.focus();
    }
  }

  #show(
    /** @type {HTMLElement} */ button,
    /** @type {boolean} */ visible,
    /** @type {boolean} */ able,
  ) {
    if (visible && button.hidden) {
      this.fresh.add(button);
      setTimeout(() => {
        this.fresh.delete(button);
        this.refresh();
      }, UNEXPECTED);
    }
    button.hidden = !visible;
    const fresh = able && this.fresh.has(button); // looks as it will in a moment
    setAttribute(button, "data-fresh", fresh ? "" : null);
    setAttribute(button, "aria-disabled", able && !fresh ? null : "true");
  }

  #updateListen(
    /** @type {HTMLElement} */ button,
    /** @type {ShownVoice} */ voice,
    /** @type {boolean} */ sounding,
  ) {
    const wanted = sounding ? "stop" : "play";
    if (button.dataset.icon !== wanted) {
      button.dataset.icon = wanted;
      button.firstElementChild?.replaceWith(icon(wanted));
    }
    const label = this.words.text(sounding ? "say.stop" : "voice.listen");
    if (button.lastElementChild) setText(button.lastElementChild, label);
    setAttribute(button, "aria-label", `${label}: ${this.#spoken(voice)}`);
    setAttribute(button, "title", voice.here ? null : label); // it has a picture only
  }
}
