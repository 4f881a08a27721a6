/** The form in which a preset is made or changed, and heard before it is saved. */

import { api } from "./api.js";
import { byId, element, icon, setAttribute, setText } from "./dom.js";
import { showReason } from "./notices.js";
import { sentenceFor } from "./sample.js";

/** @typedef {import("./types.js").Preset} Preset */
/** @typedef {import("./types.js").PresetOptions} PresetOptions */
/** @typedef {import("./voice-order.js").ShownVoice} ShownVoice */

/** Options of a pause, by the ids of their fields. */
const PAUSES = /** @type {const} */ ({
  "preset-between": "sentence_silence",
  "preset-before": "silence_before",
  "preset-after": "silence_after",
});

export class PresetForm {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./translation.js").Translation} words
   * @param {() => Promise<void>} onChange called when a preset was made, changed or removed
   */
  constructor(player, words, onChange) {
    this.player = player;
    this.words = words;
    this.onChange = onChange;
    this.name = byId("preset-name");
    this.voice = byId("preset-voice");
    this.speaker = byId("preset-speaker");
    this.speed = byId("preset-speed");
    this.volume = byId("preset-volume");
    this.dictionary = byId("preset-words");
    this.hear = byId("preset-hear");
    this.cancel = byId("preset-cancel");
    this.save = byId("preset-save");
    this.outcome = byId("preset-outcome");
    /** @type {ShownVoice[]} */
    this.voices = [];
    /** @type {Preset|null} the one that is being changed */
    this.changed = null;
    /** @type {Set<Element>} controls without an empty value that somebody has moved */
    this.moved = new Set();
    this.voice.addEventListener("change", () => this.#fillSpeakers());
    for (const range of [this.speed, this.volume]) {
      range.addEventListener("input", () => {
        this.moved.add(range);
        this.#showRanges();
      });
    }
    this.hear.addEventListener("click", () => this.#hear());
    this.cancel.addEventListener("click", () => this.change(null));
    byId("preset-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#save();
    });
    this.#reset();
    this.#showHear(false);
  }

  /** @param {ShownVoice[]} voices those that are installed, without presets */
  setVoices(voices) {
    this.voices = voices;
    const chosen = this.voice.value;
    this.voice.replaceChildren(
      ...voices.map(({ name, title, languageName, qualityName }) =>
        element("option", { value: name }, [title, languageName, qualityName].filter(Boolean).join(", ")),
      ),
    );
    if (voices.some(({ name }) => name === chosen)) this.voice.value = chosen;
    this.#fillSpeakers();
  }

  /** Take a preset into the form, or let go of it. @param {Preset|null} preset */
  change(preset) {
    this.#fill(preset);
    (preset ? this.voice : this.name).focus();
    this.#report("");
  }

  /** @param {Preset} preset */
  async remove({ name }) {
    await this.#ask(() => api.removePreset(name), "presets.removed", name, () => {
      if (this.changed?.name === name) this.#fill(null);
      this.name.focus();
    });
  }

  #fill(/** @type {Preset|null} */ preset) {
    this.changed = preset;
    this.moved.clear();
    this.name.value = preset?.name ?? "";
    if (preset) this.voice.value = preset.voice;
    this.speed.value = String(1 / (preset?.length_scale ?? 1));
    this.volume.value = String(100 * (preset?.volume ?? 1));
    for (const [id, option] of Object.entries(PAUSES)) byId(id).value = preset?.[option] ?? "";
    this.dictionary.value = (preset?.dictionary ?? []).join("\n");
    this.#reset();
    this.#fillSpeakers();
    this.speaker.value = preset?.speaker ?? "";
  }

  /** Show whether a preset is made or changed. */
  #reset() {
    this.name.readOnly = Boolean(this.changed);
    this.cancel.hidden = !this.changed;
    setText(this.save, this.words.text(this.changed ? "dictionary.save" : "presets.make"));
    this.#showRanges();
  }

  #showRanges() {
    const { length_scale: length, volume } = this.#options();
    const shown = (/** @type {number|null} */ value, /** @type {Intl.NumberFormatOptions} */ style) =>
      value === null ? this.words.text("presets.asSet") : this.words.number(value, style);
    setText(byId("preset-speed-value"), shown(length && 1 / length, { maximumFractionDigits: 2 }));
    setText(byId("preset-volume-value"), shown(volume, { style: "percent" }));
  }

  #fillSpeakers() {
    const voice = this.voices.find(({ name }) => name === this.voice.value);
    const speakers = voice && voice.number_of_speakers > 1 ? voice.speakers : [];
    const chosen = this.speaker.value;
    byId("preset-speaker-field").hidden = !speakers.length;
    this.speaker.replaceChildren(
      element("option", { value: "" }, this.words.text("presets.anySpeaker")),
      ...speakers.map((name) => element("option", { value: name }, name)),
    );
    this.speaker.value = speakers.includes(chosen) ? chosen : "";
  }

  /** @returns {PresetOptions} what is not touched is as it was, or as the settings say */
  #options() {
    const before = this.changed;
    const pauses = Object.entries(PAUSES).map(([id, option]) => {
      const { value } = byId(id);
      return [option, value === "" ? null : Number(value)];
    });
    return {
      voice: this.voice.value,
      speaker: this.speaker.value || null,
      length_scale: this.moved.has(this.speed) ? 1 / Number(this.speed.value) : before?.length_scale ?? null,
      volume: this.moved.has(this.volume) ? Number(this.volume.value) / 100 : before?.volume ?? null,
      noise_scale: before?.noise_scale ?? null,
      noise_w_scale: before?.noise_w_scale ?? null,
      dictionary: this.dictionary.value.split("\n").filter((/** @type {string} */ line) => line.trim()),
      ...Object.fromEntries(pauses),
    };
  }

  async #save() {
    const name = this.name.value.trim();
    if (!name) {
      this.name.focus();
      return;
    }
    const create = !this.changed;
    await this.#ask(() => api.putPreset(name, this.#options(), create), "presets.saved", name, () => {
      this.#fill(null);
      this.name.focus();
    });
  }

  /** Change something; what somebody has written stays if that fails. */
  async #ask(
    /** @type {() => Promise<any>} */ change,
    /** @type {string} */ key,
    /** @type {string} */ name,
    /** @type {() => void} */ done,
  ) {
    if (this.save.disabled) return;
    this.save.disabled = true;
    try {
      await change();
      await this.onChange();
      done();
      this.#report(this.words.text(key, { name }));
    } catch (error) {
      this.#report(this.words.text("presets.failed", { name }), error);
    } finally {
      this.save.disabled = false;
    }
  }

  async #hear() {
    if (this.player.owner === this) {
      this.player.stop();
      return;
    }
    const voice = this.voices.find(({ name }) => name === this.voice.value);
    if (!voice) return;
    this.#report("");
    this.#showHear(true);
    try {
      const text = await sentenceFor(voice.language ?? "");
      const { dictionary: _, ...options } = this.#options(); // of words that are not in this text
      await this.player.play({ text, ...options }, this);
    } catch (error) {
      this.#report(this.words.text("say.failed"), error);
    } finally {
      this.#showHear(this.player.owner === this);
    }
  }

  #showHear(/** @type {boolean} */ sounding) {
    const label = this.words.text(sounding ? "say.stop" : "voice.listen");
    this.hear.replaceChildren(icon(sounding ? "stop" : "play"), element("span", {}, label));
  }

  #report(/** @type {string} */ text, /** @type {any} */ error = null) {
    const [line, why] = this.outcome.children;
    setText(line, text);
    if (error) showReason(why, error, this.words);
    else setText(why, "");
    setAttribute(this.outcome, "class", error ? "failed" : "soft");
  }
}
