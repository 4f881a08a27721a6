/** Technical details, folded, and buttons that copy a text. */

import { element, setText } from "./dom.js";

/** Milliseconds for which a button says that it has copied. */
const SAID = 2500;

/**
 * A button that copies what `text` returns.
 * @param {import("./translation.js").Translation} words
 * @param {() => string} text
 * @param {string} [what] what is copied, for screen readers
 * @returns {HTMLElement}
 */
export function copyButton(words, text, what = "") {
  const label = element("span", { "aria-live": "polite" }, words.text("copy.copy"));
  const button = element("button", { type: "button", class: "button small copy" }, label);
  if (what) label.append(element("span", { class: "hidden-text" }, `: ${what}`));
  const before = [...label.childNodes];
  button.addEventListener("click", async () => {
    setText(label, words.text((await copy(text())) ? "copy.done" : "copy.failed"));
    setTimeout(() => label.replaceChildren(...before), SAID);
  });
  return button;
}

/** @param {string} text @returns {Promise<boolean>} whether it is copied */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have it only where the connection is secure, which few have at home.
  }
  const active = document.activeElement;
  const area = /** @type {HTMLTextAreaElement} */ (element("textarea", { class: "hidden-text" }));
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (active instanceof HTMLElement) active.focus({ preventScroll: true });
  return copied;
}

/**
 * Details for those who look after the server, in English.
 * @param {import("./translation.js").Translation} words
 * @param {string} [text] may be set later by `setDetails`
 * @returns {HTMLElement}
 */
export function technicalDetails(words, text = "") {
  const shown = element("span", { class: "detail", lang: "en" }, text);
  return element(
    "details",
    { class: "technical" },
    element("summary", {}, words.text("details.title")),
    element("div", {}, shown, copyButton(words, () => shown.textContent ?? "")),
  );
}

/** Set the text of `technicalDetails`. */
export function setDetails(/** @type {Element} */ node, /** @type {string} */ text) {
  setText(node.querySelector(".detail") ?? node, text);
}
