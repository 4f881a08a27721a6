/** Voices in one file each: saved here, chosen on the page of another machine. */

import { api } from "./api.js";
import { element } from "./dom.js";
import { voiceTitle } from "./state.js";

/**
 * @param {Iterable<File>} files
 * @returns {File|null} the exported voice, if that alone was chosen
 */
export function bundleOf(files) {
  const [file, ...others] = files;
  return file && !others.length && file.name.endsWith(".tar") ? file : null;
}

/**
 * Save a voice in one file; what is wrong is known before the browser begins.
 * @param {string} name
 * @param {import("./translation.js").Translation} words
 * @param {import("./notices.js").Notices} notices
 */
export async function exportVoice(name, words, notices) {
  try {
    const href = await api.exported(name);
    element("a", { href, download: "" }).dispatchEvent(new MouseEvent("click"));
  } catch (error) {
    notices.failed(error, words.text("failed.export", { voice: voiceTitle(name) }));
  }
}
