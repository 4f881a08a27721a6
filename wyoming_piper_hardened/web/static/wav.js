/** Reads audio that is still being made: a WAV file whose length nobody knows yet. */

/** @typedef {{rate: number, channels: number}} Format */

/** Takes bytes as they come, gives samples from -1 to 1, channels interleaved. */
export class WavReader {
  constructor() {
    /** @type {Format|null} known as soon as the header has come */
    this.format = null;
    this.rest = new Uint8Array(0);
    this.inData = false;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Float32Array} whole frames; what is left over waits for the next bytes
   * @throws {TypeError} this is no WAV file of 16-bit samples
   */
  read(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const start = this.inData ? 0 : this.#header(all);
    const size = 2 * (this.format?.channels ?? 1);
    const frames = this.inData ? Math.floor((all.length - start) / size) : 0;
    const end = start + frames * size;
    this.rest = all.slice(end);
    const view = new DataView(all.buffer, start, end - start);
    const samples = new Float32Array((end - start) / 2);
    for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
    return samples;
  }

  /** Read as many chunks as are complete; returns where the rest begins. */
  #header(/** @type {Uint8Array} */ all) {
    const view = new DataView(all.buffer);
    const tag = (/** @type {number} */ at) => String.fromCharCode(...all.subarray(at, at + 4));
    if (all.length < 12) return 0;
    if (tag(0) !== "RIFF" || tag(8) !== "WAVE") throw new TypeError("not a WAV file");
    let at = 12;
    while (at + 8 <= all.length) {
      const length = view.getUint32(at + 4, true);
      if (tag(at) === "data") {
        if (!this.format) throw new TypeError("a WAV file without a format");
        this.inData = true;
        return at + 8;
      }
      if (at + 8 + length > all.length) break;
      if (tag(at) === "fmt ") this.format = this.#readFormat(view, at + 8);
      at += 8 + length + (length % 2);
    }
    return 0; // not all of it is here; it is read again from the start
  }

  #readFormat(/** @type {DataView} */ view, /** @type {number} */ at) {
    if (view.getUint16(at, true) !== 1 || view.getUint16(at + 14, true) !== 16) {
      throw new TypeError("not 16-bit samples");
    }
    return { channels: view.getUint16(at + 2, true), rate: view.getUint32(at + 4, true) };
  }
}
