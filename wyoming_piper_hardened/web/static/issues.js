/** What is wrong, and the button that mends it. */

import { api } from "./api.js";
import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";
import { reasonInWords } from "./lines.js";
import { explain } from "./notices.js";
import { errorOf, progressOf } from "./state.js";

export class Issues {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   */
  constructor(words, notices) {
    this.words = words;
    this.notices = notices;
    this.section = byId("issues");
    /** @type {Set<string>} issues whose button was pressed a moment ago */
    this.asked = new Set();
    this.list = new KeyedList(
      byId("issue-list"),
      (issue) => this.#create(issue),
      (node, issue) => this.#update(node, issue),
    );
  }

  show(/** @type {any} */ status) {
    this.status = status;
    const hadFocus = this.section.contains(document.activeElement);
    this.section.hidden = !status.issues.length;
    this.list.show(status.issues, (issue) => issue.id);
    if (hadFocus && !this.section.contains(document.activeElement)) byId("state").focus();
  }

  #create(/** @type {any} */ issue) {
    const apply = element("button", { type: "button", class: "primary" });
    apply.addEventListener("click", () => this.#apply(issue));
    const dismiss = element("button", { type: "button", class: "quiet" });
    dismiss.addEventListener("click", () => this.#dismiss(issue));
    return element(
      "li",
      { class: "issue" },
      element(
        "div",
        {},
        element("h3"),
        element("p", { class: "advice" }),
        element("p", { class: "reason", lang: "en" }),
      ),
      element("div", { class: "buttons changes" }, dismiss, apply),
    );
  }

  #update(/** @type {Element} */ node, /** @type {any} */ issue) {
    const words = this.words;
    const [title, advice, reason] = /** @type {any} */ (node.firstElementChild).children;
    const [dismiss, apply] = /** @type {any} */ (node.lastElementChild).children;
    const work = this.status.works.find((/** @type {any} */ one) => one.voice === issue.subject);
    const busy = Boolean(work) || this.asked.has(issue.id);
    setText(title, this.#title(issue));
    setText(advice, this.#advice(issue));
    setText(reason, errorOf(issue).message);
    // What is being mended may still be so for the old reason, or for none.
    advice.hidden = !advice.textContent || busy;
    reason.hidden = busy;
    apply.hidden = !issue.applicable;
    setAttribute(apply, "aria-disabled", busy ? "true" : null);
    setText(apply, busy ? this.#busy(work) : words.text(`suggestion.${issue.suggestion}`));
    setAttribute(apply, "aria-label", busy ? null : `${apply.textContent}: ${issue.subject}`);
    dismiss.hidden = !issue.dismissible || busy;
    setText(dismiss, words.text("issues.dismiss"));
    setAttribute(dismiss, "aria-label", `${dismiss.textContent}: ${issue.subject}`);
  }

  /** What to do about it, in the words that fit best. */
  #advice(/** @type {any} */ issue) {
    const words = this.words;
    const error = errorOf(issue);
    const known = [`suggestion.${issue.suggestion}.advice`, `issue.${issue.kind}.advice`].find(
      (key) => words.has(key),
    );
    const explained = error.code ? explain(error, words).text : reasonInWords(issue.message, words);
    return explained || (known ? words.text(known) : "");
  }

  #title(/** @type {any} */ issue) {
    const subject = this.words.subject(issue.subject);
    const key = `issue.${issue.kind}`;
    return this.words.has(key) ? this.words.text(key, { subject }) : `${subject}: ${issue.kind}`;
  }

  #busy(/** @type {any} */ work) {
    if (!work) return this.words.text("work.waiting");
    const { key, part } = progressOf(work);
    if (part === null) return this.words.text(key);
    return this.words.number(part, { style: "percent" });
  }

  async #dismiss(/** @type {any} */ issue) {
    try {
      await api.dismiss(issue.id);
    } catch (error) {
      this.notices.failed(error, this.words.text("issues.stays"));
    }
  }

  async #apply(/** @type {any} */ { id }) {
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.show(this.status);
    try {
      await api.apply(id);
    } catch (error) {
      this.notices.failed(error, this.words.text("issue.failed"));
    } finally {
      this.asked.delete(id);
      this.show(this.status);
    }
  }
}
