/** The voice of requests that name none, as chosen on this page. */

import { api } from "./api.js";
import { voiceTitle } from "./state.js";

export class DefaultVoice {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {() => Promise<void>} onChange called when another voice is the default
   */
  constructor(words, notices, onChange) {
    this.words = words;
    this.notices = notices;
    this.onChange = onChange;
    this.asked = false;
  }

  /** @param {string} name of an installed voice or a preset */
  async choose(name) {
    if (this.asked) return;
    this.asked = true;
    const voice = { voice: voiceTitle(name) };
    try {
      await api.setDefaultVoice(name);
      await this.onChange();
      this.notices.done(this.words.text("done.default", voice));
    } catch (error) {
      this.notices.failed(error, this.words.text("failed.default", voice));
    } finally {
      this.asked = false;
    }
  }
}
