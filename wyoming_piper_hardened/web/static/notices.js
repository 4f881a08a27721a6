/** Short messages at the edge of the page: what has been done, what could not be done. */

import { element, icon, setText } from "./dom.js";

const MOST = 3;
const SHOWN = 6000;

/** Codes of errors with the same advice, by its key. */
const ALIKE = {
  network: ["hub-unreachable", "rate-limited", "download-interrupted"],
  hub: ["hub-refused", "not-on-hub", "hub-answer-invalid", "redirect-refused"],
  intercepted: ["captive-portal", "not-a-model", "certificate-invalid"],
  corrupt: ["download-corrupt", "catalogue-stale", "catalogue-invalid"],
  "no-voice": ["voice-not-found", "voice-not-installed"],
  "no-piper-voice": [
    "voice-invalid",
    "voice-config-invalid",
    "voice-model-unreadable",
    "voice-not-piper",
  ],
  unspeakable: ["synthesis-failed", "phonemes-failed", "text-quarantined"],
  refused: ["access-refused", "foreign-origin"],
  overloaded: ["deadline-exceeded", "too-many-requests"],
};
/** @type {Map<string, string>} */
const WORDS = new Map(
  Object.entries(ALIKE).flatMap(([word, codes]) => codes.map((code) => [code, word])),
);

export class Notices {
  /**
   * @param {Element} list where they are shown, a live region
   * @param {import("./translation.js").Translation} words
   */
  constructor(list, words) {
    this.list = list;
    this.words = words;
  }

  /** Something was done; goes away by itself. */
  done(/** @type {string} */ text) {
    const notice = this.#show(text, "done");
    setTimeout(() => notice.remove(), SHOWN);
  }

  /** Something could not be done; stays until it is closed. */
  failed(/** @type {any} */ error, /** @type {string} */ what) {
    if (error.name === "AbortError") return;
    const notice = this.#show(what, "failed");
    const reason = element("span", { class: "reason" });
    showReason(reason, error, this.words);
    notice.firstElementChild?.append(reason);
  }

  #show(/** @type {string} */ text, /** @type {string} */ kind) {
    const close = element("button", { type: "button", class: "quiet icon-only" }, icon("close"));
    close.setAttribute("aria-label", this.words.text("notice.close"));
    const body = element("p", {}, element("span"));
    setText(body.firstElementChild ?? body, text);
    // A repeated message replaces the one before.
    for (const one of this.list.querySelectorAll(".notice > p > span:first-child")) {
      if (one.textContent === text) one.closest(".notice")?.remove();
    }
    const notice = element("div", { class: `notice ${kind}` }, body, close);
    close.addEventListener("click", () => notice.remove());
    this.list.append(notice);
    while (this.list.childElementCount > MOST) this.list.firstElementChild?.remove();
    return notice;
  }
}

/**
 * Why something failed and what to do about it.
 * @param {any} error
 * @param {import("./translation.js").Translation} words
 * @returns {{text: string, detail: string}} `detail` is English; both may be empty
 */
export function explain(error, words) {
  const ours = typeof error.code === "string"; // by the server, not by the browser
  const code = ours ? error.code : error instanceof TypeError ? "broken-off" : "unknown";
  const key = `error.${WORDS.get(code) ?? code}`;
  const detail = ours ? error.message : "";
  if (words.has(key)) return { text: words.text(key), detail };
  if (detail) return { text: "", detail };
  if (error.status) return { text: words.text("error.status", { status: String(error.status) }), detail };
  return { text: words.text("error.unknown"), detail };
}

/** Put the explanation of an error into an element. */
export function showReason(
  /** @type {Element} */ node,
  /** @type {any} */ error,
  /** @type {import("./translation.js").Translation} */ words,
) {
  const { text, detail } = explain(error, words);
  const parts = text ? [element("span", {}, text)] : [];
  if (detail) parts.push(element("span", { class: "detail", lang: "en" }, detail));
  node.replaceChildren(...parts.flatMap((part, index) => (index ? [" ", part] : [part])));
}
