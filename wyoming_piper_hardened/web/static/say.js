/** The box whose text is spoken here and now. */

import { byId, element, icon, setAttribute, setText } from "./dom.js";
import { sentenceFor } from "./sample.js";
import { showReason } from "./notices.js";
import { Preview } from "./preview.js";
import { recall, remember } from "./remembered.js";
import { Saving } from "./save.js";
import { Wave } from "./wave.js";

/** Characters of a text that are remembered at most. */
const REMEMBERED = 20_000;

export class Say {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./translation.js").Translation} words
   */
  constructor(player, words) {
    this.player = player;
    this.words = words;
    this.text = byId("say-text");
    this.voice = byId("say-voice");
    this.speaker = byId("say-speaker");
    this.speed = byId("say-speed");
    this.volume = byId("say-volume");
    this.button = byId("say-button");
    this.outcome = byId("say-outcome");
    this.wave = new Wave(byId("say-wave"));
    this.preview = new Preview(words, () => ({
      text: this.text.value.trim(),
      ...(this.voice.value && { voice: this.voice.value }),
    }));
    /** @type {import("./voices.js").ShownVoice[]} */
    this.voices = [];
    const text = recall("text");
    /** Whether somebody has written a text. */
    this.touched = Boolean(text);
    /** The voice that somebody has chosen; empty until then. */
    this.chosen = recall("voice") ?? "";
    this.connected = true;
    /** The last speech that the outcome tells of. */
    this.run = /** @type {symbol|null} */ (null);
    this.drawing = 0;
    this.text.value = text || words.text("say.example");
    new Saving(
      words,
      () => this.#request(),
      (line, error = null) => {
        this.run = Symbol("run");
        this.#report(line, error);
      },
    );
    byId("say-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
    this.button.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (event.detail > 1) event.preventDefault(); // who clicks twice wants it once
    });
    this.text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#submit();
    });
    this.voice.addEventListener("change", () => {
      this.chosen = this.voice.value;
      remember("voice", this.chosen);
      this.#fillSpeakers();
      this.#setExample();
    });
    this.text.addEventListener("input", () => {
      this.touched = true;
      remember("text", this.text.value.slice(0, REMEMBERED) || null);
      this.#forget();
      this.preview.later();
    });
    this.speed.addEventListener("input", () => this.#showSpeed());
    this.#showSpeed();
    this.volume.value = recall("volume") ?? "100";
    this.volume.addEventListener("input", () => {
      remember("volume", this.volume.value);
      this.#setVolume();
    });
    this.#setVolume();
    this.#report(words.text("say.idle"));
    this.show();
  }

  /** Draw audio that has come. */
  draw(/** @type {Float32Array} */ samples, /** @type {number} */ rate) {
    this.wave.add(samples, rate);
  }

  /** @param {boolean} connected whether the server answers */
  setConnected(connected) {
    this.connected = connected;
    this.show();
  }

  /** @param {import("./voices.js").ShownVoice[]} voices those that can speak, the default first */
  setVoices(voices) {
    this.voices = voices;
    const { chosen } = this;
    this.voice.replaceChildren(
      ...voices.map(({ name, title, languageName }) => {
        const option = element("option", { value: name });
        setText(option, languageName ? `${title} – ${languageName}` : title);
        return option;
      }),
    );
    this.voice.disabled = !voices.length;
    this.voice.value = voices.some(({ name }) => name === chosen) ? chosen : voices[0]?.name ?? "";
    this.#fillSpeakers();
    this.#setExample();
  }

  /** The languages of the voices that can speak, that of the chosen one first. */
  get languages() {
    const chosen = this.voices.filter(({ name }) => name === this.voice.value);
    return [...chosen, ...this.voices].map(({ language }) => language ?? "");
  }

  /** @param {string} language such as `de` @returns {string} the name of a voice that speaks it */
  voiceFor(language) {
    const family = language.split("-")[0];
    const speaks = this.voices.filter((voice) => voice.language?.split("_")[0] === family);
    const chosen = speaks.find(({ name }) => name === this.voice.value) ?? speaks[0];
    return chosen?.name ?? this.voice.value;
  }

  #fillSpeakers() {
    const voice = this.voices.find(({ name }) => name === this.voice.value);
    const speakers = voice && voice.number_of_speakers > 1 ? voice.speakers : [];
    const chosen = this.speaker.value;
    byId("say-speaker-field").hidden = !speakers.length;
    this.speaker.replaceChildren(
      ...speakers.map((name) => {
        const option = element("option", { value: name });
        setText(option, name);
        return option;
      }),
    );
    if (speakers.includes(chosen)) this.speaker.value = chosen;
  }

  /** As long as nobody has written anything, the text is in the language of the voice. */
  async #setExample() {
    const voice = this.voices.find(({ name }) => name === this.voice.value);
    const language = voice?.language.split("_")[0] || this.words.language;
    const own = this.words.text("say.example");
    // Without a connection the reader's own language serves.
    const text = language === this.words.language ? own : await sentenceFor(language).catch(() => own);
    if (!this.touched && this.text.value !== text) this.text.value = text;
    this.preview.later();
  }

  #showSpeed() {
    const times = this.words.number(Number(this.speed.value), { maximumFractionDigits: 2 });
    setText(byId("say-speed-value"), `${times}×`);
  }

  #setVolume() {
    const volume = Number(this.volume.value) / 100;
    setText(byId("say-volume-value"), this.words.number(volume, { style: "percent" }));
    this.player.volume = volume ** 2; // as loud as the ear hears it
  }

  /** The speech that is wanted now; reports it if there is nothing to say. */
  #request() {
    const text = this.text.value.trim();
    if (!text) {
      this.wave.clear();
      this.run = Symbol("run");
      this.#report(this.words.text("say.wordless"));
      this.text.focus();
      return null;
    }
    return {
      text,
      ...(this.voice.value && { voice: this.voice.value }),
      ...(this.speaker.value && { speaker: this.speaker.value }),
      ...(this.speed.value !== "1" && { length_scale: 1 / Number(this.speed.value) }),
    };
  }

  async #submit() {
    if (this.player.owner === this) {
      this.player.stop();
      return;
    }
    if (!this.connected) return;
    const request = this.#request();
    if (!request) return;
    this.wave.clear();
    this.#report("");
    const run = (this.run = Symbol("run"));
    try {
      const whole = await this.player.play(request, this);
      if (!whole && run === this.run) this.#report(this.words.text("say.stopped"));
    } catch (error) {
      this.#report(this.words.text("say.failed"), error);
    }
  }

  /** What was heard of another text says nothing of this one. */
  #forget() {
    if (!this.run || this.player.owner === this) return;
    this.run = null;
    this.wave.clear();
    this.#report(this.words.text("say.idle"));
  }

  /** Follow the player. */
  show() {
    const { player, words } = this;
    const mine = player.owner === this;
    this.button.disabled = !mine && !this.connected;
    const wanted = mine ? "stop" : "play";
    if (this.button.dataset.icon !== wanted) {
      this.button.dataset.icon = wanted;
      this.button.replaceChildren(
        icon(wanted),
        element("span", {}, words.text(mine ? "say.stop" : "say.play")),
      );
    }
    if (!mine) return;
    if (player.state === "waiting") this.#report(words.text("say.waiting"));
    else {
      const whole = player.wordless ? "say.wordless" : "say.complete";
      const key = player.complete ? whole : "say.playing";
      const values = { first: words.briefly(player.first), made: words.briefly(player.made) };
      this.#report(words.text(key, values), null, player.complete);
    }
    if (!this.drawing) this.#follow();
  }

  /** Draw as long as it sounds. */
  #follow() {
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      if (this.player.owner !== this) {
        this.wave.draw(this.player.complete ? Infinity : this.wave.position);
        return;
      }
      this.wave.draw(this.player.position);
      this.#follow();
    });
  }

  /** `aloud`: to screen readers, too; they need not hear how much is made every time some is. */
  #report(/** @type {string} */ text, /** @type {any} */ error = null, aloud = true) {
    const [line, why] = this.outcome.children;
    setAttribute(this.outcome, "aria-live", aloud ? "polite" : "off");
    setText(line, text);
    if (error) showReason(why, error, this.words);
    else setText(why, "");
    setAttribute(this.outcome, "class", error ? "failed" : "");
  }
}
