/** Below the voices: newer versions of them, and the room that they take. */

import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";

/**
 * @typedef {import("./voice-order.js").ShownVoice} ShownVoice
 * @typedef {{update: (name: string) => void, remove: (name: string) => void}} Actions
 */

/** The installed voices of which the repository has another version. @param {ShownVoice[]} voices */
export function outdated(voices) {
  return voices.filter(
    ({ here, version, available_version: newest }) => here && version && newest && version !== newest,
  );
}

/** The voices with files on the disk, the largest first. @param {ShownVoice[]} voices */
export function bySize(voices) {
  return voices
    .filter((voice) => voice.here || voice.state === "damaged")
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

export class Housekeeping {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {Actions} actions
   */
  constructor(words, actions) {
    this.words = words;
    /** @type {ShownVoice[]} */
    this.newer = [];
    /** @type {Set<string>} voices with a job */
    this.busy = new Set();
    this.updates = this.#list("update-list", "voice.update", actions.update);
    this.sizes = this.#list("disk-list", "voice.remove", actions.remove);
    byId("update-all").addEventListener("click", () => {
      for (const { name } of this.newer) if (!this.busy.has(name)) actions.update(name);
    });
  }

  /** Show the voices. */
  show(/** @type {ShownVoice[]} */ voices) {
    const sizes = bySize(voices);
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const active = document.activeElement;
    const hadFocus = byId("updates").contains(active) || byId("disk").contains(active);
    this.newer = outdated(voices);
    byId("updates").hidden = !this.newer.length;
    byId("update-all").hidden = this.newer.length < 2;
    byId("disk").hidden = !sizes.length;
    setText(byId("disk-title"), this.words.text("disk.title", { size: this.words.megabytes(total) }));
    this.updates.show(this.newer, ({ name }) => name);
    this.sizes.show(sizes, ({ name }) => name);
    this.#disable();
    const now = document.activeElement; // of a button that is gone: the document, or still the button
    if (hadFocus && (!now || now === document.body || !now.checkVisibility())) {
      byId("voices").focus({ preventScroll: true });
    }
  }

  /** Let voices with a job alone. */
  follow(/** @type {import("./types.js").Status} */ { jobs }) {
    this.busy = new Set(jobs.map((job) => job.voice));
    this.#disable();
  }

  #disable() {
    for (const button of document.querySelectorAll(".keeping button")) {
      const busy = this.busy.has(button.getAttribute("data-voice") ?? "");
      setAttribute(button, "aria-disabled", busy ? "true" : null);
    }
  }

  /**
   * @param {string} id of the list
   * @param {"voice.update"|"voice.remove"} key of the text on its buttons
   * @param {(name: string) => void} act
   */
  #list(id, key, act) {
    const label = this.words.text(key);
    const create = (/** @type {ShownVoice} */ { name }) => {
      const button = element("button", { type: "button", class: "button changes", "data-voice": name }, label);
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") !== "true") act(name);
      });
      return element("li", {}, element("span"), element("span", { class: "soft" }), button);
    };
    return new KeyedList(byId(id), create, (node, voice) => {
      const [title, size, button] = /** @type {any} */ (node.children);
      const shown = [voice.title, voice.qualityName].filter(Boolean).join(", ");
      setText(title, shown);
      setText(size, this.words.megabytes(voice.bytes));
      setAttribute(button, "aria-label", `${label}: ${shown}`);
      button.hidden = key === "voice.remove" && voice.state === "embedded";
    });
  }
}
