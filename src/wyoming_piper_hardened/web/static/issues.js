/** What is wrong, and the button that mends it. */

import { api } from "./api.js";
import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";
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
    /** Called when what an issue suggests has been begun. */
    this.onBegun = (/** @type {any} */ _) => {};
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
    const button = element("button", { type: "button", class: "primary" });
    button.addEventListener("click", () => this.#apply(issue));
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
      button,
    );
  }

  #update(/** @type {Element} */ node, /** @type {any} */ issue) {
    const words = this.words;
    const [title, advice, reason] = /** @type {any} */ (node.firstElementChild).children;
    const button = /** @type {HTMLButtonElement} */ (node.lastElementChild);
    setText(title, this.#title(issue));
    const suggestion = `suggestion.${issue.suggestion}`;
    const error = errorOf(issue);
    setText(reason, error.message);
    const own = words.has(`${suggestion}.advice`) ? words.text(`${suggestion}.advice`) : "";
    setText(advice, own || (error.code ? explain(error, words).text : ""));
    advice.hidden = !advice.textContent;
    button.hidden = !issue.applicable;
    const work = this.status.works.find((/** @type {any} */ one) => one.voice === issue.subject);
    const busy = Boolean(work) || this.asked.has(issue.id);
    setAttribute(button, "aria-disabled", busy ? "true" : null);
    setText(button, busy ? this.#busy(work) : words.text(suggestion));
    setAttribute(button, "aria-label", busy ? null : `${button.textContent}: ${issue.subject}`);
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

  async #apply(/** @type {any} */ issue) {
    const { id } = issue;
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.show(this.status);
    try {
      await api.apply(id);
      this.onBegun(issue);
    } catch (error) {
      this.notices.failed(error, this.words.text("issue.failed"));
    } finally {
      this.asked.delete(id);
      this.show(this.status);
    }
  }
}
