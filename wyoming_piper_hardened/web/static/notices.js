/** Short messages at the edge of the page: what has been done, what could not be done. */

import { technicalDetails } from "./copy.js";
import { element, icon, setText } from "./dom.js";
import { placeFor } from "./placement.js";

const MOST = 3;
const SHOWN = 6000;
/** Milliseconds in which the card of a failure appears, if it gets one. */
const CARD = 600;
/** Widths of the messages in pixels, by preference: beside the buttons of a phone is less room. */
const WIDTHS = [352, 240, 184];
/** What is not covered; but names of voices, or a phone would have no room. */
const CONTROLS = "button:not(.voice-title), a[href], input, select, textarea, summary";

/** Codes of errors with the same advice, by its key. */
const ALIKE = {
  network: ["hub-unreachable", "rate-limited", "download-interrupted"],
  hub: ["hub-refused", "not-on-hub", "hub-answer-invalid", "redirect-refused"],
  intercepted: ["captive-portal", "not-a-model", "certificate-invalid"],
  corrupt: ["download-corrupt", "catalogue-stale", "catalogue-invalid"],
  "no-voice": ["voice-not-found", "voice-not-installed"],
  "no-piper-voice": [
    "voice-invalid",
    "voice-unusable",
    "voice-config-invalid",
    "voice-model-unreadable",
    "voice-not-piper",
  ],
  "bundle-broken": ["bundle-cut", "bundle-changed"],
  "no-bundle": ["bundle-invalid", "bundle-unsafe"],
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
   * @param {HTMLElement} list where they are shown, a live region
   * @param {import("./translation.js").Translation} words
   * @param {Element} cards the issues, each with its subject as `data-subject`
   */
  constructor(list, words, cards) {
    this.list = list;
    this.words = words;
    this.cards = cards;
    window.addEventListener("resize", () => this.#place());
    list.addEventListener("toggle", () => this.#place(), true); // details take room
  }

  /** Something was done; goes away by itself. */
  done(/** @type {string} */ text) {
    const notice = this.#show(text, "done");
    setTimeout(() => this.#remove(notice), SHOWN);
  }

  /**
   * Something could not be done; stays until it is closed.
   * @param {any} error
   * @param {string} what
   * @param {string} [subject] of an issue that reports it, too: where that is seen, it is enough
   */
  failed(error, what, subject = "") {
    if (error.name === "AbortError") return;
    if (!subject) this.#showFailure(error, what, subject);
    else setTimeout(() => this.#isSeen(subject) || this.#showFailure(error, what, subject), CARD);
  }

  /** Remove what an issue that is seen reports as well. */
  settle() {
    for (const notice of [...this.list.children]) {
      const { subject = "" } = /** @type {HTMLElement} */ (notice).dataset;
      if (subject && this.#isSeen(subject)) this.#remove(notice);
    }
  }

  #showFailure(/** @type {any} */ error, /** @type {string} */ what, /** @type {string} */ subject) {
    const notice = this.#show(what, "failed");
    notice.dataset.subject = subject;
    const reason = element("div", { class: "reason" });
    showReason(reason, error, this.words);
    notice.firstElementChild?.append(reason);
    this.#place();
  }

  /** Whether the card of an issue is on the screen. */
  #isSeen(/** @type {string} */ subject) {
    return [...this.cards.children].some((card) => {
      if (/** @type {HTMLElement} */ (card).dataset.subject !== subject) return false;
      const { top, bottom, height } = card.getBoundingClientRect();
      return height > 0 && top >= 0 && bottom <= window.innerHeight;
    });
  }

  /** Take a place that covers no button. */
  #place() {
    const { style } = this.list;
    if (!this.list.childElementCount) return;
    const view = document.documentElement;
    const sizes = WIDTHS.map((most) => {
      const width = Math.min(most, view.clientWidth - 32);
      style.width = `${width}px`;
      return { width, height: this.list.offsetHeight };
    });
    const controls = [...document.querySelectorAll(CONTROLS)]
      .filter((control) => !this.list.contains(control))
      .map((control) => control.getBoundingClientRect())
      .filter(({ width, top, bottom }) => width && bottom > 0 && top < view.clientHeight);
    const place = placeFor({ width: view.clientWidth, height: view.clientHeight }, sizes, controls);
    for (const side of /** @type {const} */ (["left", "top", "width"])) style[side] = `${place[side]}px`;
  }

  #remove(/** @type {Element} */ notice) {
    notice.remove();
    this.#place();
  }

  #show(/** @type {string} */ text, /** @type {string} */ kind) {
    const close = element("button", { type: "button", class: "quiet icon-only" }, icon("close"));
    close.setAttribute("aria-label", this.words.text("notice.close"));
    const body = element("div", { class: "notice-text" }, element("span"));
    setText(body.firstElementChild ?? body, text);
    // A repeated message replaces the one before.
    for (const one of this.list.querySelectorAll(".notice-text > span:first-child")) {
      if (one.textContent === text) one.closest(".notice")?.remove();
    }
    const notice = element("div", { class: `notice ${kind}` }, body, close);
    close.addEventListener("click", () => this.#remove(notice));
    this.list.append(notice);
    while (this.list.childElementCount > MOST) this.list.firstElementChild?.remove();
    this.#place();
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
  if (text) node.replaceChildren(element("span", {}, text));
  else node.replaceChildren(element("span", { class: "detail", lang: "en" }, detail));
  if (text && detail) node.append(technicalDetails(words, detail));
}
