/** A place for messages where they cover nothing that can be pressed. */

/** @typedef {{left: number, top: number, width: number, height: number}} Rect */

/** Pixels to the edges of the window, and around what can be pressed. */
const EDGE = 16;
const GAP = 4;
/** Pixels between two places that are tried. */
const STEP = 12;

/** The area that two rectangles share. @param {Rect} a @param {Rect} b */
function shared(a, b) {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * Find a place in a window: bottom right if it is free, else the nearest to it that covers none of
 * the controls, else the one that covers least of them.
 * @param {{width: number, height: number}} view
 * @param {{width: number, height: number}[]} sizes of the messages, by preference
 * @param {Rect[]} controls
 * @returns {Rect & {covered: number}} `covered` is in square pixels
 */
export function placeFor(view, sizes, controls) {
  const kept = controls.map(({ left, top, width, height }) => ({
    left: left - GAP,
    top: top - GAP,
    width: width + 2 * GAP,
    height: height + 2 * GAP,
  }));
  /** @type {(Rect & {covered: number})|null} */
  let best = null;
  for (const { width, height } of sizes) {
    const right = view.width - EDGE - width;
    const columns = [...new Set([right, Math.round(right / 2 + EDGE / 2), EDGE].map((x) => Math.max(0, x)))];
    for (let top = view.height - EDGE - height; top >= EDGE; top -= STEP) {
      for (const left of columns) {
        const place = { left, top, width, height };
        const covered = kept.reduce((sum, control) => sum + shared(place, control), 0);
        if (!covered) return { ...place, covered };
        if (!best || covered < best.covered) best = { ...place, covered };
      }
    }
  }
  const [{ width, height }] = sizes;
  return best ?? { left: EDGE, top: EDGE, width, height, covered: Infinity };
}
