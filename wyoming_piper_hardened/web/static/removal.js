/** The question before a voice is removed. */

import { ask } from "./dialog.js";
import { byId, setText } from "./dom.js";

/**
 * @param {import("./voice-order.js").ShownVoice} voice
 * @param {import("./translation.js").Translation} words
 * @returns {Promise<boolean>} whether it is to be removed
 */
export async function confirmRemoval({ state, title, qualityName }, words) {
  const voice = qualityName ? `${title} (${qualityName})` : title;
  setText(byId("remove-title"), words.text("remove.title", { voice }));
  const about = state === "custom" || state === "damaged" ? "remove.own" : "remove.fromRepository";
  setText(byId("remove-about"), words.text(about));
  return (await ask(byId("remove-dialog"))) === "remove";
}
