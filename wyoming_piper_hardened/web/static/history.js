/** Values over time, in bounded memory however long the page is open. */

/** @typedef {{at: number, values: Object<string, number>}} Moment */

export class History {
  /** @param {number} limit moments that are kept, an even number */
  constructor(limit) {
    this.limit = limit;
    /** @type {Moment[]} oldest first */
    this.moments = [];
    /** Seconds between two of them, at least. */
    this.interval = 1;
  }

  /** @param {number} at seconds @param {Object<string, number>} values */
  add(at, values) {
    const last = this.moments.at(-1);
    if (last && at - last.at < this.interval) {
      if (this.moments.length > 1) {
        last.values = values; // the newest value stays current
      }
      return;
    }
    this.moments.push({ at, values });
    if (this.moments.length <= this.limit) return;
    this.moments = this.moments.filter((_, index) => index % 2 === 0);
    this.interval *= 2;
  }
}

/**
 * A round number that is not below `value`, for the top of an axis; its half is round, too.
 * @param {number} value
 * @returns {number}
 */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((top) => top >= value) ?? 1;
}

/** @param {number[]} values @returns {number} the middle one; 0 of nothing */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (!sorted.length) return 0;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
