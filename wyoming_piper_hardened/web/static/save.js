/** Saves what is spoken as a file: complete, with its true length. */

import { api } from "./api.js";
import { byId, element, setAttribute } from "./dom.js";

/** @typedef {{text: string, voice?: string, speaker?: string, length_scale?: number}} Request */

/** Milliseconds after which the browser has certainly taken the file. */
const TAKEN = 60_000;
/** Milliseconds that the server may take to report how the speech went. */
const REPORT_TIMEOUT = 8000;

export class Saving {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {() => Request|null} request what would be spoken now; null if that is nothing
   * @param {(text: string, error?: any) => void} report shows how it goes
   */
  constructor(words, request, report) {
    this.words = words;
    this.request = request;
    this.report = report;
    this.busy = false;
    this.buttons = [byId("say-save-wav"), byId("say-save-mp3")];
    this.buttons[0].addEventListener("click", () => this.#save("wav"));
    this.buttons[1].addEventListener("click", () => this.#save("mp3"));
  }

  async #save(/** @type {"wav"|"mp3"} */ format) {
    if (this.busy) return;
    const request = this.request();
    if (!request) return;
    this.#setBusy(true);
    this.report(this.words.text("save.making"));
    try {
      const answer = await (format === "wav" ? api.wav(request) : api.mp3(request));
      const file = await answer.blob();
      if (await this.#isWordless(answer)) {
        this.report(this.words.text("say.wordless"));
        return;
      }
      const name = `${request.voice ?? "piper"}.${format}`;
      const href = URL.createObjectURL(file);
      element("a", { href, download: name }).dispatchEvent(new MouseEvent("click"));
      setTimeout(() => URL.revokeObjectURL(href), TAKEN);
      this.report(this.words.text("save.done", { name }));
    } catch (error) {
      this.report(this.words.text("save.failed"), error);
    } finally {
      this.#setBusy(false);
    }
  }

  /**
   * Whether there was nothing to say, as in a text of emoji.
   * @throws {TypeError} not all of it could be spoken; proxies hide that in the answer itself
   */
  async #isWordless(/** @type {Response} */ answer) {
    const id = answer.headers.get("X-Request-Id");
    if (!id) return false;
    const record = await api.request(id, AbortSignal.timeout(REPORT_TIMEOUT)).catch(() => undefined);
    if (!record) return false; // so many others have spoken since that it is forgotten
    if (record.outcome !== "ok") throw new TypeError(`the speech broke off: ${record.outcome}`);
    return record.characters === 0;
  }

  #setBusy(/** @type {boolean} */ busy) {
    this.busy = busy;
    for (const button of this.buttons) setAttribute(button, "aria-disabled", busy ? "true" : null);
  }
}
