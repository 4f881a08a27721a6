/** The open issues, each with the button that resolves it. */

import { api } from "./api.js";
import { setDetails, technicalDetails } from "./copy.js";
import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";
import { failureText, issueTitle } from "./events.js";
import { explain } from "./notices.js";
import { progressOf } from "./state.js";

/**
 * @typedef {import("./types.js").Issue} Issue
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Status} Status
 */

/** The suggestion for a voice that only its owner has a copy of. */
const UPLOAD = "upload";

export class Issues {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   * @param {{upload: Function, download: Function, remove: Function}} ofVoice for a damaged voice of
   *   the reader's own, each called with its name
   */
  constructor(words, notices, ofVoice) {
    this.words = words;
    this.ofVoice = ofVoice;
    this.notices = notices;
    this.section = byId("issues");
    /** @type {Status|null} */
    this.status = null;
    /** @type {Set<string>} issues whose button was pressed a moment ago */
    this.asked = new Set();
    /** @type {Map<string, string>} ids of the jobs that buttons began, by the issue's */
    this.tried = new Map();
    /** @type {Map<string, string>} reasons why a button did not help, by the issue's id */
    this.unhelped = new Map();
    this.list = new KeyedList(
      byId("issue-list"),
      (/** @type {Issue} */ issue) => this.#create(issue),
      (node, issue) => this.#update(node, issue),
    );
  }

  show(/** @type {Status} */ status) {
    this.status = status;
    for (const job of status.finished_jobs) {
      for (const [id, begun] of this.tried) {
        if (begun === job.id) this.tried.delete(id);
        if (begun === job.id && job.outcome === "failed") this.unhelped.set(id, "");
      }
    }
    const open = new Set(status.issues.map(({ id }) => id));
    for (const id of this.unhelped.keys()) if (!open.has(id)) this.unhelped.delete(id);
    const hadFocus = this.section.contains(document.activeElement);
    this.section.hidden = !status.issues.length;
    this.list.show(status.issues, (issue) => issue.id);
    if (hadFocus && !this.section.contains(document.activeElement)) byId("state").focus();
    this.notices.settle();
  }

  #refresh() {
    if (this.status) this.show(this.status);
  }

  #create(/** @type {Issue} */ issue) {
    const apply = element("button", { type: "button", class: "primary" });
    apply.addEventListener("click", () => this.#apply(issue.id));
    const kept = ["remove", "download"].map((act) => {
      const label = this.words.text(`issue.${act}`);
      const button = element("button", { type: "button", class: "button" }, label);
      setAttribute(button, "aria-label", `${label}: ${issue.subject}`);
      button.addEventListener("click", () => Object(this.ofVoice)[act](issue.subject));
      return button;
    });
    const dismiss = element("button", { type: "button", class: "quiet" });
    dismiss.addEventListener("click", () => this.#dismiss(issue));
    return element(
      "li",
      { class: "issue", "data-subject": issue.subject },
      element(
        "div",
        {},
        element("h3"),
        element("p", { class: "advice" }),
        element("p", { class: "reason", lang: "en" }),
        technicalDetails(this.words),
      ),
      element(
        "fieldset",
        { class: "buttons changes needs-server", role: "none" },
        ...[dismiss, ...kept, apply],
      ),
    );
  }

  #update(/** @type {Element} */ node, /** @type {Issue} */ issue) {
    const words = this.words;
    const [title, advice, reason, details] = /** @type {any} */ (node.firstElementChild).children;
    const [dismiss, remove, download, apply] = /** @type {any} */ (node.lastElementChild).children;
    const job = this.status?.jobs.find((one) => one.voice === issue.subject);
    const busy = Boolean(job) || this.asked.has(issue.id);
    setText(title, issueTitle(issue, words));
    setText(advice, this.#outcome(issue) + this.#advice(issue));
    setText(reason, issue.message);
    setDetails(details, issue.message);
    // Once it is being repaired the old reason need not be true any more.
    advice.hidden = !advice.textContent || busy;
    reason.hidden = busy || Boolean(advice.textContent);
    details.hidden = busy || !advice.textContent;
    const own = issue.suggestion === UPLOAD;
    remove.hidden = download.hidden = !own || busy;
    apply.hidden = !issue.applicable && !own;
    setAttribute(apply, "aria-disabled", busy ? "true" : null);
    setText(apply, busy ? this.#busy(job) : words.text(`suggestion.${issue.suggestion}`));
    setAttribute(apply, "aria-label", busy ? null : `${apply.textContent}: ${issue.subject}`);
    dismiss.hidden = !issue.dismissible || busy;
    setText(dismiss, words.text("issues.dismiss"));
    setAttribute(dismiss, "aria-label", `${dismiss.textContent}: ${issue.subject}`);
  }

  /** Say in the card itself that its button did not help. */
  #outcome(/** @type {Issue} */ { id }) {
    const reason = this.unhelped.get(id);
    if (reason === undefined) return "";
    return `${[this.words.text("issue.failed"), reason].filter(Boolean).join(" ")} `;
  }

  /** The advice that fits best: by error, by failure, by suggestion, by kind. */
  #advice(/** @type {Issue} */ issue) {
    const words = this.words;
    const { failure } = issue.params;
    const known = [`suggestion.${issue.suggestion}.advice`, `issue.${issue.kind}.advice`].find(
      (key) => words.has(key),
    );
    return explain(issue, words).text || failureText(failure, words) || (known ? words.text(known, issue.params) : "");
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

  async #apply(/** @type {string} */ id) {
    const issue = this.status?.issues.find((one) => one.id === id);
    if (issue?.suggestion === UPLOAD) {
      this.ofVoice.upload(issue.subject);
      return;
    }
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.unhelped.delete(id);
    this.#refresh();
    try {
      const job = await api.apply(id);
      if (job) this.tried.set(id, job.id);
    } catch (error) {
      const { text, detail } = explain(error, this.words);
      const why = text || detail;
      // The card gives the same reason itself, mostly.
      this.unhelped.set(id, issue && why === this.#advice(issue) ? "" : why);
    } finally {
      this.asked.delete(id);
      this.#refresh();
    }
  }
}
