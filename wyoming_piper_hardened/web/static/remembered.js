/** What this browser remembers of its reader's choices. */

const PREFIX = "piper-hardened.";

/** @param {string} name @returns {string|null} null if nothing is remembered */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

/** Remember a text, or forget it with `null`. */
export function remember(/** @type {string} */ name, /** @type {string|null} */ value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // The browser keeps nothing for this page, or there is no more room.
  }
}
