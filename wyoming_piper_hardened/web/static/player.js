/** Plays speech while it is being made. */

import { ApiError, api } from "./api.js";
import { WavReader } from "./wav.js";

/** Seconds between the first audio and its sound: what a moment's delay may use up. */
const LEAD = 0.08;
/** Seconds of audio that are handed over at once, but for the first. */
const PIECE = 0.2;
/** Milliseconds that the server may take to report how the speech went. */
const REPORT_TIMEOUT = 8000;

/**
 * One at a time; starting another stops the one before.
 *
 * `state`: "idle", "waiting" for the first audio, "playing". `made` and `position` are seconds,
 * `first` is the time to the first audio in seconds, `owner` the one that started it.
 */
export class Player {
  /**
   * @param {() => void} onChange called after every change of `state`, and when audio has come
   * @param {(samples: Float32Array, rate: number) => void} onSamples called with samples from -1 to 1
   */
  constructor(onChange, onSamples) {
    this.onChange = onChange;
    this.onSamples = onSamples;
    this.state = "idle";
    /** @type {object|null} */
    this.owner = null;
    this.made = 0;
    this.first = 0;
    this.complete = false;
    /** Whether there was nothing to say in the text. */
    this.wordless = false;
    /** @type {{abort: AbortController, context: AudioContext, gain: GainNode,
     *   sources: Set<AudioBufferSourceNode>, begin: number, next: number}|null} */
    this.current = null;
    this.loudness = 1;
  }

  /** From 0 to 1, also of what is playing. @param {number} volume */
  set volume(volume) {
    this.loudness = volume;
    if (this.current) this.current.gain.gain.value = volume;
  }

  /** Seconds that have sounded. */
  get position() {
    const run = this.current;
    if (!run || this.state !== "playing") return 0;
    return Math.max(0, Math.min(this.made, run.context.currentTime - run.begin));
  }

  /**
   * Speak; returns when everything has sounded, or it was stopped: whether it came to its end.
   * @param {import("./types.js").SpeechRequest} request
   * @param {object} owner kept as `owner` while it plays
   * @throws {import("./api.js").ApiError|TypeError} nothing, or not all of it, could be spoken
   */
  play(request, owner) {
    return this.#play((run) => this.#fetch(request, run), owner);
  }

  /**
   * Play a file; returns as `play`.
   * @param {(signal: AbortSignal) => Promise<ArrayBuffer>} load
   * @param {object} owner
   * @throws {import("./api.js").ApiError} it cannot be had, or is no audio
   */
  playFile(load, owner) {
    return this.#play((run) => this.#decode(load, run), owner);
  }

  async #play(/** @type {(run: any) => Promise<void>} */ sound, /** @type {object} */ owner) {
    this.stop();
    const abort = new AbortController();
    const context = new AudioContext(); // within the click, or some browsers stay silent
    const gain = context.createGain();
    gain.gain.value = this.loudness;
    gain.connect(context.destination);
    const run = { abort, context, gain, sources: new Set(), begin: 0, next: 0 };
    this.current = run;
    const nothing = { made: 0, first: 0, complete: false, wordless: false };
    Object.assign(this, { owner, state: "waiting", ...nothing });
    this.onChange();
    try {
      await Promise.all([context.resume(), sound(run)]);
      await this.#silence(run);
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    } finally {
      for (const source of run.sources) source.stop();
      if (context.state !== "closed") await context.close();
      if (this.current === run) this.#end();
    }
    return !abort.signal.aborted;
  }

  stop() {
    if (!this.current) return;
    this.current.abort.abort();
    for (const source of this.current.sources) source.stop();
    this.#end();
  }

  #end() {
    this.current = null;
    this.owner = null;
    this.state = "idle";
    this.onChange();
  }

  async #decode(/** @type {Function} */ load, /** @type {any} */ run) {
    const file = await load(run.abort.signal);
    const audio = await run.context.decodeAudioData(file).catch(() => {
      throw new ApiError(0, "sample-invalid", "");
    });
    if (run.abort.signal.aborted) return;
    this.#schedule(audio.getChannelData(0), { rate: audio.sampleRate, channels: 1 }, run);
    this.complete = true;
  }

  async #fetch(/** @type {any} */ request, /** @type {any} */ run) {
    const asked = performance.now();
    const answer = await api.say(request, run.abort.signal);
    const wav = new WavReader();
    const stream = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    /** @type {Float32Array[]} */
    let waiting = [];
    for (;;) {
      const { done, value } = await stream.read();
      if (run.abort.signal.aborted) return;
      const samples = value ? wav.read(value) : new Float32Array(0);
      if (samples.length) waiting.push(samples);
      const size = waiting.reduce((sum, one) => sum + one.length, 0);
      const enough = this.made ? PIECE * (wav.format?.rate ?? 0) : 1;
      if (size && (done || size >= enough)) {
        if (!this.made) this.first = (performance.now() - asked) / 1000;
        this.#schedule(joined(waiting, size), wav.format, run);
        waiting = [];
      }
      if (done) break;
    }
    // Home Assistant ends an answer properly that broke off on its way, so the server is asked.
    const id = answer.headers.get("X-Request-Id");
    const limit = withinTime(run.abort.signal, REPORT_TIMEOUT);
    const record = id ? await api.request(id, limit).catch(() => undefined) : undefined;
    if (run.abort.signal.aborted) return;
    if (id && record?.outcome !== "ok") throw new TypeError(`the speech broke off: ${record?.outcome}`);
    this.complete = true;
    this.wordless = record?.characters === 0;
    this.onChange();
  }

  #schedule(
    /** @type {Float32Array} */ samples,
    /** @type {any} */ { rate, channels },
    /** @type {any} */ run,
  ) {
    const frames = samples.length / channels;
    const buffer = run.context.createBuffer(channels, frames, rate);
    for (let channel = 0; channel < channels; channel++) {
      const target = buffer.getChannelData(channel);
      for (let i = 0; i < frames; i++) target[i] = samples[i * channels + channel];
    }
    const source = run.context.createBufferSource();
    source.buffer = buffer;
    source.connect(run.gain);
    run.sources.add(source);
    source.onended = () => {
      source.disconnect();
      run.sources.delete(source);
      if (!run.sources.size) run.onSilence?.();
    };
    const now = run.context.currentTime;
    if (!this.made || run.next < now) {
      // The start, or the server was slower than the sound: a pause, and go on.
      run.begin += now + LEAD - run.next;
      run.next = now + LEAD;
    }
    source.start(run.next);
    run.next += frames / rate;
    this.made += frames / rate;
    this.state = "playing";
    this.onSamples(channels === 1 ? samples : buffer.getChannelData(0), rate);
    this.onChange();
  }

  /** Wait until the last sound has ended. */
  #silence(/** @type {any} */ run) {
    return new Promise((resolve) => {
      run.onSilence = resolve;
      run.abort.signal.addEventListener("abort", resolve);
      if (!run.sources.size || run.abort.signal.aborted) resolve(undefined);
    });
  }
}

/** @param {Float32Array[]} parts @param {number} size @returns {Float32Array} */
function joined(parts, size) {
  const all = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * @param {AbortSignal} signal
 * @param {number} milliseconds
 * @returns {AbortSignal} one that comes with the other, at the latest after that time
 */
function withinTime(signal, milliseconds) {
  const sooner = new AbortController();
  const abort = () => sooner.abort();
  signal.addEventListener("abort", abort);
  setTimeout(abort, milliseconds);
  return sooner.signal;
}
