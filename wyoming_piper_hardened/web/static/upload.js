/** A voice from a file: two of the user's own that belong together, or one that was exported. */

import { importBundle, upload } from "./api.js";
import { bundleOf } from "./bundles.js";
import { byId, setAttribute, setText } from "./dom.js";

/**
 * @param {Iterable<File>} files
 * @returns {{model: File, config: File}|null} null when they are no such pair
 */
export function pair(files) {
  const all = [...files];
  const model = all.find((file) => file.name.endsWith(".onnx"));
  const config = all.find((file) => file.name === `${model?.name}.json`);
  return model && config && all.length === 2 ? { model, config } : null;
}

export class Upload {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   */
  constructor(words, notices) {
    this.words = words;
    this.notices = notices;
    this.input = byId("upload-files");
    this.button = byId("upload-button");
    this.cancel = byId("upload-cancel");
    this.bar = byId("upload-progress");
    this.hint = byId("upload-hint");
    /** @type {AbortController|null} */
    this.abort = null;
    this.input.addEventListener("change", () => this.#show());
    this.cancel.addEventListener("click", () => this.abort?.abort());
    byId("upload-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    });
    this.#show();
  }

  /** Ask for the files of a voice that is here already. */
  again(/** @type {string} */ name) {
    /** @type {HTMLDetailsElement} */ (byId("upload-form").parentElement).open = true;
    this.input.focus();
    if (!this.input.files.length) setText(this.hint, this.words.text("upload.again", { name }));
  }

  #show() {
    const files = this.input.files;
    const found = pair(files) ?? bundleOf(files);
    const names = [...files].map((file) => file.name).join(", ");
    const wrong = found || !files.length ? "" : this.#wrong([...files], names);
    setText(this.hint, wrong || names);
    setAttribute(this.hint, "class", wrong ? "failed" : "soft");
    this.button.disabled = !found || Boolean(this.abort);
    this.input.disabled = Boolean(this.abort);
    this.bar.hidden = this.cancel.hidden = !this.abort;
  }

  #wrong(/** @type {File[]} */ files, /** @type {string} */ names) {
    const [{ name }] = files;
    if (files.length > 1) return this.words.text("upload.notPair", { names });
    const other = name.endsWith(".json") ? name.slice(0, -".json".length) : `${name}.json`;
    return this.words.text("upload.missing", { name, other });
  }

  async #send() {
    const found = pair(this.input.files);
    const bundle = bundleOf(this.input.files);
    if (!(found || bundle) || this.abort) return;
    const abort = (this.abort = new AbortController());
    this.bar.value = 0;
    this.#show();
    this.cancel.focus();
    const progress = (/** @type {number} */ part) => {
      this.bar.value = part;
      if (part < 1) return;
      this.bar.removeAttribute("value"); // now the server tries it out
      setText(this.hint, this.words.text("upload.trying"));
    };
    try {
      if (found) await upload(found.model, found.config, progress, abort.signal);
      else if (bundle) await importBundle(bundle, progress, abort.signal);
      this.input.value = "";
    } catch (error) {
      this.notices.failed(error, this.words.text("upload.failed", { name: (found?.model ?? bundle)?.name ?? "" }));
    } finally {
      this.abort = null;
      this.#show();
      this.input.focus();
    }
  }
}
