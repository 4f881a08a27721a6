/** Short messages at the edge of the page: what has been done, what could not be done. */

import { element, icon, setText } from "./dom.js";

const MOST = 3;
const SHOWN = 6000;

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
    const { text, language } = explain(error, this.words);
    notice.firstElementChild?.append(
      element("span", language ? { class: "reason", lang: language } : { class: "reason" }, text),
    );
  }

  #show(/** @type {string} */ text, /** @type {string} */ kind) {
    const close = element("button", { type: "button", class: "quiet icon-only" }, icon("close"));
    close.setAttribute("aria-label", this.words.text("notice.close"));
    const body = element("p", {}, element("span"));
    setText(body.firstElementChild ?? body, text);
    const notice = element("div", { class: `notice ${kind}` }, body, close);
    close.addEventListener("click", () => notice.remove());
    this.list.append(notice);
    while (this.list.childElementCount > MOST) this.list.firstElementChild?.remove();
    return notice;
  }
}

/**
 * @param {any} error
 * @param {import("./translation.js").Translation} words
 * @returns {{text: string, language: string}} in the server's language where we have no words
 */
export function explain(error, words) {
  const key = `error.${error.code ?? (error instanceof TypeError ? "broken-off" : "unknown")}`;
  if (words.has(key)) return { text: words.text(key), language: "" };
  if (error.code && error.message) return { text: error.message, language: "en" };
  if (error.status) return { text: words.text("error.status", { status: String(error.status) }), language: "" };
  return { text: words.text("error.unknown"), language: "" };
}
