/** The line to the server: it brings every new state, and comes back by itself. */

import { ApiError, address, api } from "./api.js";
import { isBefore } from "./state.js";

/** @typedef {"connecting"|"open"|"lost"|"refused"} LinkState */

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 10_000;
/** Milliseconds without news after which the server is asked: it has some every 5 s. */
const QUIET = 8000;
/** Milliseconds that the stream may take to bring something at all. */
const FIRST = 5000;
/** Milliseconds between two questions while the stream brings nothing. */
const PACE = 2000;
const ANSWER_TIMEOUT = 8000;
/** A page that nobody has seen for so long lets go of its connection. */
const UNSEEN = 60_000;

export class Link {
  /**
   * @param {(status: import("./types.js").Status) => void} onStatus
   * @param {(state: LinkState) => void} onState
   */
  constructor(onStatus, onState) {
    this.onStatus = onStatus;
    this.onState = onState;
    /** @type {LinkState} */
    this.state = "connecting";
    /** @type {EventSource|null} */
    this.source = null;
    this.delay = FIRST_DELAY;
    this.timer = 0;
    this.watch = 0;
    this.unseen = 0;
    /** Whether something on the way keeps the stream back; older Home Assistants compress it. */
    this.held = false;
    this.pace = FIRST;
    /** The newest status that was shown; a stream that was kept back brings older ones. */
    this.shown = { started_at: 0, uptime: 0 };
    /** @type {symbol|null} the question whose answer is waited for */
    this.asked = null;
    document.addEventListener("visibilitychange", () => this.#seen());
    window.addEventListener("online", () => this.#again());
    window.addEventListener("pagehide", () => this.#close());
    window.addEventListener("pageshow", (event) => event.persisted && this.#open());
  }

  open() {
    this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(address("events"));
    this.source = source;
    this.held = false;
    this.pace = FIRST; // until the stream has shown that it brings something
    source.addEventListener("status", (event) => {
      if (source !== this.source) return;
      this.delay = FIRST_DELAY;
      if (!this.held) this.pace = QUIET;
      this.#news(JSON.parse(event.data));
    });
    // The browser would try again by itself, but not after every kind of failure.
    source.onerror = () => source === this.source && this.#broken();
    this.#ask(); // the first event may take its time
  }

  #close() {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.timer = 0;
    this.asked = null;
    this.source?.close();
    this.source = null;
  }

  #news(/** @type {import("./types.js").Status} */ status) {
    this.asked = null; // an answer that is still under way is older than this
    this.#enter("open");
    this.#watch();
    if (isBefore(status, this.shown)) return;
    this.shown = status;
    this.onStatus(status);
  }

  /** The stream has ended: open it again, and ask in another way what that means. */
  #broken() {
    this.#later();
    this.#ask();
  }

  #later() {
    this.#close();
    this.timer = window.setTimeout(() => this.#open(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  /** Ask for one status; something between us and the server may just not like streams. */
  async #ask() {
    const asked = (this.asked = Symbol("question"));
    try {
      const status = await api.status(AbortSignal.timeout(ANSWER_TIMEOUT));
      if (asked === this.asked) this.#news(status);
    } catch (error) {
      if (asked !== this.asked) return;
      const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      this.#enter(refused ? "refused" : "lost");
      if (!this.timer) this.#later();
    }
  }

  /** A connection may die without a word, or bring no news in time, so silence is looked into. */
  #watch() {
    clearTimeout(this.watch);
    this.watch = window.setTimeout(() => {
      this.held = true; // until it is opened anew
      this.pace = PACE;
      this.#ask();
    }, this.pace);
  }

  #again() {
    if (this.state === "open") return;
    this.delay = FIRST_DELAY;
    this.#open();
  }

  #seen() {
    clearTimeout(this.unseen);
    if (document.hidden) this.unseen = window.setTimeout(() => this.#close(), UNSEEN);
    else if (!this.source) this.#open();
  }

  #enter(/** @type {LinkState} */ state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}
