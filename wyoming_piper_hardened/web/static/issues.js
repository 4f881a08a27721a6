/** The open issues, each with the button that resolves it. */

import { api } from "./api.js";
import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";
import { failureText, issueTitle } from "./events.js";
import { explain } from "./notices.js";
import { progressOf } from "./state.js";

/**
 * @typedef {import("./types.js").Issue} Issue
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Status} Status
 */

export class Issues {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   */
  constructor(words, notices) {
    this.words = words;
    this.notices = notices;
    this.section = byId("issues");
    /** @type {Status|null} */
    this.status = null;
    /** @type {Set<string>} issues whose button was pressed a moment ago */
    this.asked = new Set();
    this.list = new KeyedList(
      byId("issue-list"),
      (/** @type {Issue} */ issue) => this.#create(issue),
      (node, issue) => this.#update(node, issue),
    );
  }

  show(/** @type {Status} */ status) {
    this.status = status;
    const hadFocus = this.section.contains(document.activeElement);
    this.section.hidden = !status.issues.length;
    this.list.show(status.issues, (issue) => issue.id);
    if (hadFocus && !this.section.contains(document.activeElement)) byId("state").focus();
  }

  #refresh() {
    if (this.status) this.show(this.status);
  }

  #create(/** @type {Issue} */ issue) {
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

  #update(/** @type {Element} */ node, /** @type {Issue} */ issue) {
    const words = this.words;
    const [title, advice, reason] = /** @type {any} */ (node.firstElementChild).children;
    const [dismiss, apply] = /** @type {any} */ (node.lastElementChild).children;
    const job = this.status?.jobs.find((one) => one.voice === issue.subject);
    const busy = Boolean(job) || this.asked.has(issue.id);
    setText(title, issueTitle(issue, words));
    setText(advice, this.#advice(issue));
    setText(reason, issue.message);
    // Once it is being repaired the old reason need not be true any more.
    advice.hidden = !advice.textContent || busy;
    reason.hidden = busy;
    apply.hidden = !issue.applicable;
    setAttribute(apply, "aria-disabled", busy ? "true" : null);
    setText(apply, busy ? this.#busy(job) : words.text(`suggestion.${issue.suggestion}`));
    setAttribute(apply, "aria-label", busy ? null : `${apply.textContent}: ${issue.subject}`);
    dismiss.hidden = !issue.dismissible || busy;
    setText(dismiss, words.text("issues.dismiss"));
    setAttribute(dismiss, "aria-label", `${dismiss.textContent}: ${issue.subject}`);
  }

  /** The advice that fits best: by error, by failure, by suggestion, by kind. */
  #advice(/** @type {Issue} */ issue) {
    const words = this.words;
    const { failure } = issue.params;
    const known = [`suggestion.${issue.suggestion}.advice`, `issue.${issue.kind}.advice`].find(
      (key) => words.has(key),
    );
    return explain(issue, words).text || failureText(failure, words) || (known ? words.text(known) : "");
  }

  #busy(/** @type {Job|undefined} */ job) {
    if (!job) return this.words.text("job.waiting");
    const { key, part } = progressOf(job);
    if (part === null) return this.words.text(key);
    return this.words.number(part, { style: "percent" });
  }

  async #dismiss(/** @type {Issue} */ issue) {
    try {
      await api.dismiss(issue.id);
    } catch (error) {
      this.notices.failed(error, this.words.text("issues.stays"));
    }
  }

  async #apply(/** @type {Issue} */ { id }) {
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.#refresh();
    try {
      await api.apply(id);
    } catch (error) {
      this.notices.failed(error, this.words.text("issue.failed"));
    } finally {
      this.asked.delete(id);
      this.#refresh();
    }
  }
}
