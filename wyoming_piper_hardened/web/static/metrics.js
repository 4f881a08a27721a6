/** Time to the first audio, memory and state of the workers. */

import { api } from "./api.js";
import { Bars, LEAST_SPAN, Lines } from "./chart.js";
import { KeyedList, byId, element, setAttribute, setText } from "./dom.js";
import { failureText } from "./events.js";
import { History, median } from "./history.js";
import { voiceTitle } from "./state.js";

const REQUESTS = 40;
const MOMENTS = 240;
const STYLES = 4;

/**
 * @typedef {import("./types.js").RequestRecord} RequestRecord
 * @typedef {import("./types.js").Status} Status
 * @typedef {import("./types.js").WorkerStatus & {style: string}} Worker
 */

export class Metrics {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {import("./notices.js").Notices} notices
   */
  constructor(words, notices) {
    this.words = words;
    this.history = new History(MOMENTS);
    this.bars = new Bars(byId("first-audio-chart"), REQUESTS);
    this.lines = new Lines(byId("memory-chart"));
    this.workers = new KeyedList(
      byId("worker-list"),
      () => this.#create(),
      (node, /** @type {Worker} */ worker) => this.#update(node, worker),
    );
    const button = byId("restart-workers");
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled")) return;
      setAttribute(button, "aria-disabled", "true");
      try {
        await api.restartWorkers();
        notices.done(words.text("workers.restarting"));
      } catch (error) {
        notices.failed(error, words.text("workers.failed"));
      } finally {
        setAttribute(button, "aria-disabled", null);
      }
    });
  }

  show(/** @type {Status} */ status) {
    this.#requests(status.requests);
    this.#memory(status);
    const ranked = status.workers.map((worker, index) => ({
      ...worker,
      style: `line-${index % STYLES}`,
    }));
    this.workers.show(ranked, (worker) => worker.name);
  }

  #requests(/** @type {RequestRecord[]} */ requests) {
    const words = this.words;
    const last = requests.slice(-REQUESTS);
    const times = last.flatMap((one) => one.first_audio ?? []);
    // Neither a text without words nor one that nobody waited for any more is a failure.
    const isFailure = (/** @type {RequestRecord} */ one) => !["ok", "cancelled"].includes(one.outcome);
    const failed = last.filter(isFailure);
    const bars = last
      .filter((one) => one.first_audio !== null || isFailure(one))
      .map((one) => ({
        key: `${one.at} ${one.duration}`,
        value: isFailure(one) ? null : one.first_audio,
        title: words.text(isFailure(one) ? "speed.failedRequest" : "speed.request", {
          time: words.time(one.at),
          voice: voiceTitle(one.voice ?? ""),
          first: words.briefly(one.first_audio ?? 0),
          code: one.outcome,
          characters: one.characters,
        }),
      }));
    const label = times.length
      ? words.text("speed.median", { time: words.briefly(median(times)), count: times.length })
      : words.text("speed.none");
    const broken = failed.length ? words.text("speed.failed", { count: failed.length }) : "";
    setText(byId("first-audio-summary"), [label, broken].filter(Boolean).join(" "));
    this.bars.show(bars, {
      value: (value) => words.briefly(value),
      from: times.length ? words.text("speed.older") : "",
      to: times.length ? words.text("speed.newest") : "",
      label,
    });
  }

  #memory(/** @type {Status} */ status) {
    const words = this.words;
    /** @type {Object<string, number>} */
    const values = {};
    if (status.memory) values.server = status.memory;
    // A successor has another name, but takes the place of the one before.
    const names = status.workers.map((_, at) => `${at}`);
    names.forEach((name, at) => (values[name] = status.workers[at].memory));
    this.history.add(Date.now() / 1000, values);
    const series = names.map((name, index) => ({
      name,
      style: `line-${index % STYLES}`,
    }));
    const all = Object.values(values).reduce((sum, value) => sum + value, 0);
    const unknown = status.workers.some((one) => one.state === "running" && !one.memory);
    const key = unknown ? "memory.unknown" : "memory.now";
    const label = words.text(key, { memory: words.megabytes(all) });
    setText(byId("memory-summary"), label);
    setText(byId("server-memory"), status.memory ? words.megabytes(status.memory) : "");
    const moments = this.history.moments;
    const span = (moments.at(-1)?.at ?? 0) - (moments[0]?.at ?? 0);
    this.lines.show(moments, [{ name: "server", style: "line-server" }, ...series], {
      value: (value) => words.megabytes(value),
      from: words.text("memory.ago", { span: words.span(Math.max(LEAST_SPAN, span)) }),
      to: words.text("memory.present"),
      label,
    });
  }

  #create() {
    return element(
      "li",
      { class: "worker" },
      element("span", { class: "swatch", "aria-hidden": "true" }),
      element("span", { class: "worker-name" }),
      element("span", { class: "badge" }),
      element("span", { class: "worker-memory" }),
      element("p", { class: "soft" }),
      element(
        "p",
        { class: "reason" },
        element("span"),
        element("span"),
      ),
    );
  }

  #update(/** @type {Element} */ node, /** @type {Worker} */ worker) {
    const words = this.words;
    const [swatch, name, state, memory, counts, failure] = /** @type {any} */ (node.children);
    setAttribute(swatch, "class", `swatch ${worker.style}`);
    setText(name, words.text("worker.name", { name: worker.name }));
    const key = `worker.${worker.state}`;
    setText(state, words.has(key) ? words.text(key) : worker.state);
    setAttribute(state, "class", `badge ${worker.state}`);
    setText(memory, worker.memory ? words.megabytes(worker.memory) : "");
    const facts = [words.text("worker.segments", { count: worker.segments })];
    if (worker.restarts) facts.push(words.text("worker.restarts", { count: worker.restarts }));
    if (worker.pid) facts.push(words.text("worker.pid", { pid: String(worker.pid) }));
    setText(counts, facts.join(" · "));
    failure.hidden = !worker.last_failure;
    if (failure.hidden) return;
    const [last, reason] = failure.children;
    const said = failureText(worker.last_failure, words);
    setText(last, words.text("worker.lastFailure", { at: words.time(worker.last_failure_at ?? 0) }));
    setText(reason, ` ${said || worker.last_failure?.message}`);
    setAttribute(reason, "lang", said ? null : "en");
  }
}
