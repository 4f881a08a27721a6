/** Two small drawings: the time to the first audio, and the memory of the processes. */

import { KeyedList, drawn, setAttribute, setText } from "./dom.js";
import { roundUp } from "./history.js";

const WIDTH = 320;
const HEIGHT = 120;
const TOP = 14;
const BOTTOM = 104;
const LEFT = 0;
const RIGHT = WIDTH;

/** The frame that both have: a top line with its value, a ground line, a line half way. */
class Frame {
  /** @param {Element} svg empty */
  constructor(svg) {
    this.svg = svg;
    setAttribute(svg, "viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.top = drawn("text", { x: LEFT, y: TOP - 4, class: "axis" });
    this.from = drawn("text", { x: LEFT, y: HEIGHT - 3, class: "axis" });
    this.to = drawn("text", { x: RIGHT, y: HEIGHT - 3, class: "axis", "text-anchor": "end" });
    const lines = [TOP, (TOP + BOTTOM) / 2, BOTTOM].map((y, index) =>
      drawn("line", { x1: LEFT, x2: RIGHT, y1: y, y2: y, class: index === 2 ? "ground" : "grid" }),
    );
    this.marks = drawn("g");
    svg.append(...lines, this.marks, this.top, this.from, this.to);
  }
}

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
   * @param {{top: (value: number) => string, from: string, to: string, label: string}} words
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
    setText(this.frame.top, shown.length ? words.top(top) : "");
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
   * @param {{top: (value: number) => string, from: string, to: string, label: string}} words
   */
  show(moments, series, words) {
    const values = moments.flatMap((moment) => Object.values(moment.values));
    const top = roundUp(Math.max(0, ...values));
    const first = moments[0]?.at ?? 0;
    const span = Math.max(1, (moments.at(-1)?.at ?? 1) - first);
    const xOf = (/** @type {number} */ at) => LEFT + ((at - first) / span) * (RIGHT - LEFT);
    const lines = series.map(({ name, style }) => {
      let path = "";
      let gap = true;
      for (const moment of moments) {
        const value = moment.values[name];
        if (value) path += `${gap ? "M" : "L"}${xOf(moment.at).toFixed(1)} ${heightOf(value, top).toFixed(1)}`;
        gap = !value;
      }
      return { name, style, path };
    });
    this.list.show(lines, (line) => line.name);
    setText(this.frame.top, values.length ? words.top(top) : "");
    setText(this.frame.from, words.from);
    setText(this.frame.to, words.to);
    setAttribute(this.frame.svg, "aria-label", words.label);
  }
}
