/** What will be said, under the box with the text, as it is written. */

import { api } from "./api.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { showReason } from "./notices.js";

/** Milliseconds without another key after which the server is asked. */
const PAUSE = 350;
/** Segments that are shown; a book would only slow the page down. */
const MOST = 30;

export class Preview {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {() => {text: string, voice?: string}} request what would be spoken now
   */
  constructor(words, request) {
    this.words = words;
    this.request = request;
    this.list = byId("preview-list");
    this.note = byId("preview-note");
    this.phonemes = byId("preview-phonemes");
    this.timer = 0;
    /** @type {AbortController|null} */
    this.asked = null;
    this.phonemes.addEventListener("change", () => this.refresh());
  }

  /** Show it anew once nobody has pressed a key for a moment. */
  later() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.refresh(), PAUSE);
  }

  async refresh() {
    clearTimeout(this.timer);
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    const request = this.request();
    if (!request.text) {
      this.#show([], "");
      return;
    }
    setAttribute(this.list, "aria-busy", "true");
    try {
      const shown = await api.preview({ ...request, phonemes: this.phonemes.checked }, asked.signal);
      if (asked !== this.asked) return;
      this.#show(shown.segments, "");
      if (shown.problem) showReason(this.note, shown.problem, this.words);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.#show([], "");
      showReason(this.note, error, this.words);
    }
  }

  #show(
    /** @type {import("./types.js").SegmentPreview[]} */ segments,
    /** @type {string} */ note,
  ) {
    const more = segments.length - MOST;
    const rest = more > 0 ? this.words.text("preview.more", { count: more }) : "";
    setText(this.note, note || rest);
    setAttribute(this.list, "aria-busy", null);
    this.list.replaceChildren(...segments.slice(0, MOST).map((segment) => this.#item(segment)));
    byId("preview").hidden = !segments.length && !this.note.textContent;
  }

  #item(/** @type {import("./types.js").SegmentPreview} */ segment) {
    const said = element("span", { class: "preview-spoken" }, segment.spoken);
    const item = element("li", {}, said);
    if (segment.pause) {
      const pause = this.words.text("preview.pause", { span: this.words.briefly(segment.pause) });
      item.append(" ", element("span", { class: "soft" }, pause));
    }
    for (const sentence of segment.phonemes ?? []) {
      item.append(element("code", { class: "preview-phonemes" }, sentence));
    }
    return item;
  }
}
