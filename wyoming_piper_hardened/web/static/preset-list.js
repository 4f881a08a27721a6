/** Presets: heard, made the default, changed and removed. */

import { KeyedList, byId, element, icon, setAttribute, setText } from "./dom.js";
import { voiceTitle } from "./state.js";

/** @typedef {import("./types.js").Preset} Preset */
/** @typedef {import("./voice-order.js").ShownVoice} ShownVoice */

export class PresetList {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./sample.js").SamplePlayer} samples
   * @param {(name: string) => void} useAsDefault
   * @param {import("./preset-form.js").PresetForm} form
   */
  constructor(words, samples, useAsDefault, form) {
    this.words = words;
    this.samples = samples;
    this.useAsDefault = useAsDefault;
    this.form = form;
    /** @type {Preset[]} */
    this.presets = [];
    /** @type {ShownVoice[]} presets whose voice can speak, as voices */
    this.spoken = [];
    this.list = new KeyedList(
      byId("preset-list"),
      (/** @type {Preset} */ preset) => this.#create(preset),
      (node, preset) => this.#update(node, preset),
    );
  }

  /**
   * @param {Preset[]} presets
   * @param {ShownVoice[]} voices those that can be chosen, presets among them
   */
  setPresets(presets, voices) {
    this.presets = presets;
    this.spoken = voices;
    this.render();
  }

  render() {
    const none = this.presets.length ? "" : this.words.text("presets.none");
    setText(byId("preset-none"), none);
    this.list.show(this.presets, ({ name }) => name);
  }

  #create(/** @type {Preset} */ { name }) {
    const current = () => /** @type {Preset} */ (this.presets.find((one) => one.name === name));
    const action = (
      /** @type {"play"|"default"|"repair"|"remove"} */ picture,
      /** @type {string} */ kind,
      /** @type {() => void} */ run,
    ) => {
      const button = element("button", { type: "button", class: `quiet icon-only ${kind}` }, icon(picture));
      button.addEventListener("click", run);
      return button;
    };
    return element(
      "li",
      {},
      element("span", { class: "dictionary-pair" }, element("b"), " ", element("span", { class: "soft" })),
      element("span", { class: "badge default" }, this.words.text("voice.state.default")),
      element(
        "span",
        { class: "buttons" },
        action("play", "", () => {
          const voice = this.spoken.find((one) => one.name === name);
          if (voice) this.samples.toggle(voice);
        }),
        action("default", "changes", () => this.useAsDefault(name)),
        action("repair", "changes", () => this.form.change(current())),
        action("remove", "changes", () => this.form.remove(current())),
      ),
    );
  }

  #update(/** @type {Element} */ node, /** @type {Preset} */ preset) {
    const { words } = this;
    const [pair, badge, buttons] = /** @type {any} */ (node.children);
    const [play, standard, change, remove] = buttons.children;
    const { name } = preset;
    setText(pair.firstElementChild, name);
    const where = preset.fixed ? words.text("presets.fixed") : "";
    setText(pair.lastElementChild, [voiceTitle(preset.voice), where].filter(Boolean).join(" · "));
    badge.hidden = !preset.default;
    const speaks = this.spoken.some((one) => one.name === name);
    const sounding = this.samples.voice === name;
    const label = `${words.text(sounding ? "say.stop" : "voice.listen")}: ${name}`;
    const picture = sounding ? "stop" : "play";
    if (play.dataset.icon !== picture) {
      play.dataset.icon = picture;
      play.replaceChildren(icon(picture));
    }
    this.#name(play, label);
    play.hidden = !speaks;
    const hadFocus = document.activeElement === standard;
    this.#name(standard, `${words.text("voice.default")}: ${name}`);
    standard.hidden = !speaks || preset.default;
    this.#name(change, words.text("presets.change", { name }));
    this.#name(remove, words.text("presets.remove", { name }));
    change.hidden = remove.hidden = preset.fixed;
    if (hadFocus && standard.hidden) play.focus();
  }

  #name(/** @type {HTMLElement} */ button, /** @type {string} */ label) {
    setAttribute(button, "aria-label", label);
    setAttribute(button, "title", label);
  }
}
