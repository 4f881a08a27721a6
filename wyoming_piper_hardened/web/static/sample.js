/** A voice to get to know it: its sample, or a sentence in its own language if it is installed. */

import { api } from "./api.js";

/** The languages of the catalogue; others hear the English one. */
let sentences = /** @type {Object<string, string>|null} */ (null);

/** @param {string} code such as `en_GB` @returns {Promise<string>} */
export async function sentenceFor(code) {
  if (!sentences) {
    sentences = await (await fetch(new URL("samples.json", import.meta.url))).json();
  }
  const known = sentences ?? {};
  return known[code.split("_")[0]] ?? known.en;
}

export class SamplePlayer {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {() => void} onChange called when `voice` has changed
   */
  constructor(player, words, notices, onChange) {
    this.player = player;
    this.words = words;
    this.notices = notices;
    /** Name of the voice that is playing, or empty. */
    this.voice = "";
    this.onChange = onChange;
  }

  /**
   * Play a voice, or stop it.
   * @param {import("./voices.js").ShownVoice} voice
   */
  async toggle(voice) {
    if (this.voice === voice.name) {
      this.player.stop();
      return;
    }
    try {
      await this.play(voice);
    } catch (error) {
      const key = voice.here ? "failed.listen" : "failed.sample";
      this.notices.failed(error, this.words.text(key, { voice: voice.title }));
    }
  }

  /**
   * Play a voice.
   * @param {import("./voices.js").ShownVoice} voice
   * @param {string} [speaker] its name or number; the first by default
   */
  async play(voice, speaker = "") {
    const turn = (this.turn = Symbol("turn"));
    this.#enter(voice.name);
    try {
      if (voice.here) {
        const text = await sentenceFor(voice.language ?? "");
        const request = speaker ? { text, voice: voice.name, speaker } : { text, voice: voice.name };
        await this.player.play(request, this);
      } else {
        await this.player.playFile((signal) => api.sample(voice.name, speaker, signal), this);
      }
    } finally {
      if (this.turn === turn) this.#enter("");
    }
  }

  #enter(/** @type {string} */ name) {
    this.voice = name;
    this.onChange();
  }
}
