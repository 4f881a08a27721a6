/** The question before a voice is removed. */

import { byId, setText } from "./dom.js";

/**
 * @param {import("./voice-order.js").ShownVoice} voice
 * @param {import("./translation.js").Translation} words
 * @returns {Promise<boolean>} whether it is to be removed
 */
export async function confirmRemoval({ state, title, qualityName }, words) {
  const dialog = byId("remove-dialog");
  const voice = qualityName ? `${title} (${qualityName})` : title;
  setText(byId("remove-title"), words.text("remove.title", { voice }));
  const about = state === "custom" || state === "damaged" ? "remove.own" : "remove.fromRepository";
  setText(byId("remove-about"), words.text(about));
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "remove";
}
