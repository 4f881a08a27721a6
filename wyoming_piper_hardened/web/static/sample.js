/** A sentence in a voice's own language, to get to know it. */

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
    this.#enter(voice.name);
    try {
      const text = await sentenceFor(voice.language ?? "");
      await this.player.play({ text, voice: voice.name }, this);
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.listen", { voice: voice.title }));
    } finally {
      if (this.voice === voice.name) this.#enter("");
    }
  }

  #enter(/** @type {string} */ name) {
    this.voice = name;
    this.onChange();
  }
}
