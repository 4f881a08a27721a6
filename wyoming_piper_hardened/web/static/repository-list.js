/** The age of the repository's list of voices, and how a newer one is fetched. */

import { api } from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";
import { explain } from "./notices.js";

/** Milliseconds for which a search rests before the repository is asked for it. */
const RESTING = 800;
/** Characters of a search that may be the name of a voice. */
const LEAST = 3;

export class RepositoryList {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {() => Promise<void>} reload reads the list of voices again
   */
  constructor(words, notices, reload) {
    this.words = words;
    this.notices = notices;
    this.reload = reload;
    /** @type {import("./types.js").Catalogue|null} */
    this.catalogue = null;
    this.asking = false;
    /** @type {string} a search that even the newest list does not have */
    this.searched = "";
    this.button = byId("voice-refresh");
    this.age = byId("voice-age");
    this.further = byId("voice-further");
    this.button.addEventListener("click", () => this.#refresh());
  }

  /** Take the facts that came with the list of voices. */
  update(/** @type {import("./types.js").Catalogue} */ catalogue) {
    this.catalogue = catalogue;
    this.show();
  }

  /** Show how old the list is by now. */
  show() {
    if (!this.catalogue) return;
    const { fetched_at: at, offline } = this.catalogue;
    const words = this.words;
    const seconds = at === null ? 0 : Math.max(0, Date.now() / 1000 - at);
    const age = at === null ? "voices.age.bundled" : seconds < 60 ? "voices.age.now" : "voices.age";
    const parts = [words.text(age, { span: words.span(seconds) })];
    if (offline) parts.push(words.text("voices.offline"));
    setText(this.age, this.asking ? words.text("job.asking") : parts.join(" "));
    this.button.hidden = offline;
    setAttribute(this.button, "aria-disabled", this.asking ? "true" : null);
  }

  /** Ask the repository for a text that no voice has, once it rests. */
  search(/** @type {string} */ text, /** @type {boolean} */ found) {
    clearTimeout(this.resting);
    const wanted = text.trim();
    if (wanted !== this.searched) setText(this.further, "");
    if (found || wanted.length < LEAST || wanted === this.searched) return;
    if (document.body.dataset.access === "look") return;
    if (this.catalogue?.offline) {
      setText(this.further, this.words.text("voices.offline"));
      return;
    }
    this.resting = setTimeout(() => this.#searchFurther(wanted), RESTING);
  }

  async #searchFurther(/** @type {string} */ wanted) {
    setText(this.further, this.words.text("job.asking"));
    this.searched = wanted;
    let outcome = this.words.text("voices.none.newest");
    try {
      await this.#fetch(true);
    } catch (error) {
      outcome = explain(error, this.words).text || this.words.text("failed.refresh");
    }
    if (this.searched === wanted) setText(this.further, outcome);
  }

  async #refresh() {
    if (this.asking) return;
    try {
      await this.#fetch(false);
      this.notices.done(this.words.text("done.refresh"));
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.refresh"));
    }
  }

  async #fetch(/** @type {boolean} */ ifDue) {
    this.asking = true;
    this.show();
    try {
      await api.refreshCatalogue(ifDue);
      await this.reload();
    } finally {
      this.asking = false;
      this.show();
    }
  }
}
