/** One voice: its speakers to listen to, its licence and its model card, as plain text. */

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { element, icon, setText } from "./dom.js";
import { showReason } from "./notices.js";

/** @typedef {import("./voice-order.js").ShownVoice} ShownVoice */

export class About {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./sample.js").SamplePlayer} samples
   * @param {(name: string) => void} onInstall called with a voice that is to be installed
   */
  constructor(words, samples, onInstall) {
    this.words = words;
    this.samples = samples;
    this.onInstall = onInstall;
    /** @type {ShownVoice|null} what is shown; an object of its own each time that it is opened */
    this.voice = null;
    this.title = element("h2", { id: "about-title" });
    this.name = element("p", { class: "voice-name soft" });
    this.license = element("dd", { id: "about-license" });
    this.speaker = /** @type {HTMLSelectElement} */ (element("select"));
    this.speaker.setAttribute("aria-label", words.text("say.speaker"));
    this.speaker.addEventListener("change", () => this.#play());
    this.listen = element("button", { type: "button", class: "button" });
    this.listen.addEventListener("click", () => this.#toggle());
    this.steps = [
      this.#stepper("previous", -1),
      this.speaker,
      this.#stepper("next", 1),
    ];
    this.speakers = element(
      "fieldset",
      { class: "needs-server speakers", role: "none" },
      ...this.steps,
      this.listen,
    );
    this.heard = element("div", { id: "about-heard", class: "reason", role: "status" });
    this.reason = element("div", { id: "about-reason", class: "reason", role: "status" });
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
          this.speakers,
          this.heard,
          element("dl", {}, element("dt", {}, words.text("about.license")), this.license),
          this.reason,
          this.text,
          this.note,
          element("div", { class: "buttons" }, close, this.install),
        ),
      )
    );
    document.body.append(this.dialog);
  }

  /** Show a voice; what its maker says is fetched meanwhile. @param {ShownVoice} shown */
  async open(shown) {
    const voice = { ...shown };
    this.voice = voice;
    setText(this.title, [voice.title, voice.qualityName].filter(Boolean).join(", "));
    setText(this.name, voice.name);
    this.install.hidden = voice.state !== "available";
    this.#fillSpeakers(voice);
    this.heard.replaceChildren();
    this.render();
    this.#show(this.words.text("job.asking"), "");
    this.reason.replaceChildren();
    ask(this.dialog).then((answer) => this.#closed(voice, answer));
    try {
      const { license, text } = await api.modelCard(voice.name);
      if (this.voice === voice) this.#show(license ?? this.words.text("about.unknown"), text);
    } catch (error) {
      if (this.voice !== voice) return;
      this.#show(this.words.text("about.unknown"), "");
      showReason(this.reason, error, this.words);
    }
  }

  /** Show whether the voice sounds. */
  render() {
    const sounding = this.voice !== null && this.samples.voice === this.voice.name;
    const picture = sounding ? "stop" : "play";
    if (this.listen.dataset.icon !== picture) {
      this.listen.dataset.icon = picture;
      const label = element("span", {}, this.words.text(sounding ? "say.stop" : "voice.listen"));
      this.listen.replaceChildren(icon(picture), label);
    }
  }

  #stepper(/** @type {"previous"|"next"} */ name, /** @type {number} */ by) {
    const label = this.words.text(`about.${name}`);
    const shown = { type: "button", class: "quiet icon-only", title: label, "aria-label": label };
    const button = element("button", shown, icon(name));
    button.addEventListener("click", () => this.#step(by));
    return button;
  }

  #fillSpeakers(/** @type {ShownVoice} */ voice) {
    const options = voice.speakers.map((speaker) => element("option", { value: speaker }, speaker));
    this.speaker.replaceChildren(...options);
    for (const node of this.steps) node.hidden = options.length < 2;
    this.speakers.hidden = voice.state === "damaged";
  }

  #step(/** @type {number} */ by) {
    const { length, selectedIndex } = this.speaker;
    this.speaker.selectedIndex = (selectedIndex + by + length) % length;
    this.#play();
  }

  #toggle() {
    if (this.voice && this.samples.voice === this.voice.name) this.samples.player.stop();
    else this.#play();
  }

  async #play() {
    const { voice } = this;
    if (!voice) return;
    const speaker = this.speaker.value;
    this.heard.replaceChildren();
    try {
      await this.samples.play(voice, speaker);
    } catch (error) {
      if (this.voice === voice && this.speaker.value === speaker) {
        showReason(this.heard, error, this.words);
      }
    }
  }

  #show(/** @type {string} */ license, /** @type {string} */ text) {
    setText(this.license, license);
    setText(this.text, text);
    for (const node of [this.text, this.note]) node.hidden = !text;
  }

  #closed(/** @type {ShownVoice} */ voice, /** @type {string} */ answer) {
    if (this.samples.voice === voice.name) this.samples.player.stop();
    if (this.voice === voice) this.voice = null;
    if (answer === "install") this.onInstall(voice.name);
  }
}
