/** Two small drawings: the time to the first audio, and the memory of the processes. */

import { KeyedList, drawn, setAttribute, setText } from "./dom.js";
import { roundUp } from "./history.js";

const WIDTH = 280;
const HEIGHT = 124;
const TOP = 6;
const BOTTOM = 104;
/** Left of it stand the values of the lines. */
const LEFT = 50;
const RIGHT = WIDTH;

/** The frame that both have: a top line, a line half way and a ground line, with their values. */
class Frame {
  /** @param {Element} svg empty */
  constructor(svg) {
    this.svg = svg;
    setAttribute(svg, "viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    const heights = [TOP, (TOP + BOTTOM) / 2, BOTTOM];
    this.values = heights.map((y) =>
      drawn("text", { x: LEFT - 6, y: y + 4, class: "axis", "text-anchor": "end" }),
    );
    this.from = drawn("text", { x: LEFT, y: HEIGHT - 3, class: "axis" });
    this.to = drawn("text", { x: RIGHT, y: HEIGHT - 3, class: "axis", "text-anchor": "end" });
    const lines = heights.map((y, index) =>
      drawn("line", { x1: LEFT, x2: RIGHT, y1: y, y2: y, class: index === 2 ? "ground" : "grid" }),
    );
    this.marks = drawn("g");
    svg.append(...lines, this.marks, ...this.values, this.from, this.to);
  }

  /** Draw nothing as long as there is nothing to draw. */
  empty(/** @type {boolean} */ empty) {
    setAttribute(this.svg, "hidden", empty ? "" : null);
  }

  /** Write beside the lines what they stand for. */
  scale(/** @type {number|null} */ top, /** @type {(value: number) => string} */ words) {
    const parts = top === null ? ["", "", ""] : [words(top), words(top / 2), "0"];
    this.values.forEach((node, index) => setText(node, parts[index]));
  }
}

/** Seconds that the lines show at least, or the first ones would be stretched over the whole. */
export const LEAST_SPAN = 60;

/** How high a value stands. */
const heightOf = (/** @type {number} */ value, /** @type {number} */ top) =>
  BOTTOM - (Math.min(value, top) / top) * (BOTTOM - TOP);

/** One bar a request, the newest on the right; a failed one is a cross on the ground. */
export class Bars {
  /** @param {Element} svg @param {number} most bars there is room for */
  constructor(svg, most) {
    this.frame = new Frame(svg);
    this.most = most;
    this.list = new KeyedList(
      this.frame.marks,
      () => drawn("path", {}, drawn("title")),
      (node, bar) => this.#update(node, bar),
    );
  }

  /**
   * @param {{key: string, value: number|null, title: string}[]} bars oldest first
   * @param {{value: (value: number) => string, from: string, to: string, label: string}} words
   */
  show(bars, words) {
    const shown = bars.slice(-this.most);
    const top = roundUp(Math.max(0, ...shown.map((bar) => bar.value ?? 0)));
    const step = (RIGHT - LEFT) / this.most;
    const items = shown.map((bar, index) => ({
      ...bar,
      top,
      x: RIGHT - (shown.length - index - 0.5) * step,
    }));
    this.list.show(items, (bar) => bar.key);
    this.frame.empty(!shown.length);
    this.frame.scale(shown.some((bar) => bar.value !== null) ? top : null, words.value);
    setText(this.frame.from, words.from);
    setText(this.frame.to, words.to);
    setAttribute(this.frame.svg, "aria-label", words.label);
  }

  #update(/** @type {Element} */ node, /** @type {any} */ bar) {
    const x = bar.x.toFixed(1);
    const failed = bar.value === null;
    const y = failed ? BOTTOM - 4 : Math.min(heightOf(bar.value, bar.top), BOTTOM - 1);
    const path = failed
      ? `M${bar.x - 3} ${y - 3}l6 6m0 -6l-6 6`
      : `M${x} ${BOTTOM}V${y.toFixed(1)}`;
    setAttribute(node, "d", path);
    setAttribute(node, "class", failed ? "cross" : "bar");
    setText(/** @type {Element} */ (node.firstElementChild), bar.title);
  }
}

/** One line a process; where it was not there, there is no line. */
export class Lines {
  /** @param {Element} svg */
  constructor(svg) {
    this.frame = new Frame(svg);
    this.list = new KeyedList(
      this.frame.marks,
      () => drawn("path"),
      (node, line) => {
        setAttribute(node, "d", line.path);
        setAttribute(node, "class", `line-mark ${line.style}`);
      },
    );
  }

  /**
   * @param {import("./history.js").Moment[]} moments
   * @param {{name: string, style: string}[]} series
   * @param {{value: (value: number) => string, from: string, to: string, label: string}} words
   */
  show(moments, series, words) {
    const values = moments.flatMap((moment) => Object.values(moment.values));
    const top = roundUp(Math.max(0, ...values));
    // As with the bars the newest is on the right, and a little fills only a part.
    const last = moments.at(-1)?.at ?? 0;
    const span = Math.max(LEAST_SPAN, last - (moments[0]?.at ?? last));
    const xOf = (/** @type {number} */ at) => RIGHT - 1 - ((last - at) / span) * (RIGHT - 1 - LEFT);
    const lines = series.map(({ name, style }) => {
      let path = "";
      let gap = true;
      for (const moment of moments) {
        const value = moment.values[name];
        if (value) {
          const x = xOf(moment.at).toFixed(1);
          // The first one is a dot, should it stay alone.
          path += `${gap ? `M${x}` : `L${x}`} ${heightOf(value, top).toFixed(1)}${gap ? "h0" : ""}`;
        }
        gap = !value;
      }
      return { name, style, path };
    });
    const alone = moments.length === 1;
    this.list.show(
      lines.map((line) => ({ ...line, style: alone ? `${line.style} alone` : line.style })),
      (line) => line.name,
    );
    this.frame.empty(!values.some(Boolean));
    this.frame.scale(values.length ? top : null, words.value);
    setText(this.frame.from, words.from);
    setText(this.frame.to, words.to);
    setAttribute(this.frame.svg, "aria-label", words.label);
  }
}
