/** Draws speech as it comes: light what is made, strong what has sounded. */

const BAR = 3;
const GAP = 2;
/** Peaks that are kept; when there are more, two become one. */
const MOST = 400;
/** Seconds that one peak stands for at first. */
const STEP = 0.04;

export class Wave {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {number[]} */
    this.peaks = [];
    /** Seconds that one peak stands for. */
    this.step = STEP;
    this.pending = { samples: 0, peak: 0 };
    /** Seconds that have sounded. */
    this.position = 0;
    this.draw(0);
    new ResizeObserver(() => this.draw(this.position)).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
      this.draw(this.position),
    );
  }

  clear() {
    this.peaks = [];
    this.step = STEP;
    this.pending = { samples: 0, peak: 0 };
    this.draw(0);
  }

  /** @param {Float32Array} samples @param {number} rate */
  add(samples, rate) {
    for (const sample of samples) {
      const pending = this.pending;
      pending.peak = Math.max(pending.peak, Math.abs(sample));
      if (++pending.samples < this.step * rate) continue;
      this.peaks.push(pending.peak);
      this.pending = { samples: 0, peak: 0 };
      if (this.peaks.length >= MOST) this.#halve();
    }
  }

  #halve() {
    const peaks = this.peaks;
    this.peaks = [];
    for (let i = 0; i + 1 < peaks.length; i += 2) {
      this.peaks.push(Math.max(peaks[i], peaks[i + 1]));
    }
    this.step *= 2;
  }

  /** @param {number} position seconds that have sounded */
  draw(position) {
    this.position = position;
    const { canvas, peaks } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const [rest, made, sounded] = ["--wave-rest", "--wave-made", "--wave-sounded"].map((name) =>
      style.getPropertyValue(name),
    );
    const room = Math.floor((width + GAP) / (BAR + GAP));
    const each = Math.max(1, peaks.length / room);
    for (let bar = 0; bar < room; bar++) {
      const from = Math.floor(bar * each);
      const part = peaks.slice(from, Math.max(from + 1, Math.floor((bar + 1) * each)));
      const peak = part.length ? Math.max(...part) : 0;
      const tall = part.length ? Math.max(BAR, Math.sqrt(peak) * (height - 4)) : BAR;
      const at = (from + 1) * this.step;
      context.fillStyle = !part.length ? rest : at <= position ? sounded : made;
      context.beginPath();
      context.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
      context.fill();
    }
  }
}
