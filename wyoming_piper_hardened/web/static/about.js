/** What the maker of a voice says of it: its licence and its model card, as plain text. */

import { api } from "./api.js";
import { element, setText } from "./dom.js";
import { showReason } from "./notices.js";

/** @typedef {import("./voice-order.js").ShownVoice} ShownVoice */

export class About {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {(name: string) => void} onInstall called with a voice that is to be installed
   */
  constructor(words, onInstall) {
    this.words = words;
    this.onInstall = onInstall;
    /** @type {ShownVoice|null} the voice that is shown */
    this.voice = null;
    this.title = element("h2", { id: "about-title" });
    this.name = element("p", { class: "voice-name soft" });
    this.license = element("dd", { id: "about-license" });
    this.reason = element("div", { class: "reason", role: "status" });
    this.text = element("pre", { class: "model-card", tabindex: "0", role: "group", dir: "auto" });
    this.text.setAttribute("aria-label", words.text("about.card"));
    this.note = element("p", { class: "soft" }, words.text("about.note"));
    const install = element("button", { class: "primary", value: "install" }, words.text("voice.install"));
    this.install = element("fieldset", { class: "needs-server changes", role: "none" }, install);
    const close = element("button", { class: "button", value: "close" }, words.text("notice.close"));
    this.dialog = /** @type {HTMLDialogElement} */ (
      element(
        "dialog",
        { id: "about-dialog", class: "about", "aria-labelledby": "about-title" },
        element(
          "form",
          { method: "dialog" },
          this.title,
          this.name,
          element("dl", {}, element("dt", {}, words.text("about.license")), this.license),
          this.reason,
          this.text,
          this.note,
          element("div", { class: "buttons" }, close, this.install),
        ),
      )
    );
    document.body.append(this.dialog);
    this.dialog.addEventListener("close", () => this.#close());
  }

  /** Show a voice; what its maker says is fetched meanwhile. @param {ShownVoice} voice */
  async open(voice) {
    this.voice = voice;
    setText(this.title, [voice.title, voice.qualityName].filter(Boolean).join(", "));
    setText(this.name, voice.name);
    this.install.hidden = voice.here || voice.state === "damaged";
    this.#show(this.words.text("job.asking"), "");
    this.reason.replaceChildren();
    this.dialog.returnValue = "";
    this.dialog.showModal();
    try {
      const { license, text } = await api.modelCard(voice.name);
      if (this.voice === voice) this.#show(license ?? this.words.text("about.unknown"), text);
    } catch (error) {
      if (this.voice !== voice) return;
      this.#show(this.words.text("about.unknown"), "");
      showReason(this.reason, error, this.words);
    }
  }

  #show(/** @type {string} */ license, /** @type {string} */ text) {
    setText(this.license, license);
    setText(this.text, text);
    for (const node of [this.text, this.note]) node.hidden = !text;
  }

  #close() {
    const { voice } = this;
    this.voice = null;
    if (voice && this.dialog.returnValue === "install") this.onInstall(voice.name);
  }
}
