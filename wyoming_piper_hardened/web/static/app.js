/** Puts the page together: one status comes in, every part shows its share of it. */

import { api } from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";
import { Figures } from "./figures.js";
import { median } from "./history.js";
import { Issues } from "./issues.js";
import { JournalView } from "./journal.js";
import { reasonInWords } from "./lines.js";
import { Link } from "./link.js";
import { Listening } from "./listening.js";
import { Notices } from "./notices.js";
import { Player } from "./player.js";
import { Say } from "./say.js";
import { summary } from "./state.js";
import { load } from "./translation.js";
import { Upload } from "./upload.js";
import { Voices } from "./voices.js";

const words = await load();
document.documentElement.lang = words.language;
words.apply(document);
document.body.classList.remove("loading");

const notices = new Notices(byId("notices"), words);
const player = new Player();
const listening = new Listening(player, words, notices);
const voices = new Voices(words, notices, listening);
const say = new Say(player, words);
const issues = new Issues(words, notices);
const figures = new Figures(words, notices);
const journal = new JournalView(words);
new Upload(words, notices);

/** @type {any} */
let status = null;
/** What the list of voices depends on; when it changes the list is asked for anew. */
let seen = "";
let frame = 0;

const link = new Link(
  (news) => {
    status = news;
    // A hidden page draws nothing, and only the last of many statuses when it is looked at.
    if (!frame) frame = requestAnimationFrame(render);
  },
  (state) => {
    if (state === "open") {
      seen = "";
      learnPermission();
    }
    renderState();
  },
);

player.onChange = () => say.show();
listening.onChange = () => voices.render();
voices.onVoices = (here) => say.offer(here);

function render() {
  frame = 0;
  renderState();
  issues.show(status);
  voices.show(status);
  figures.show(status);
  journal.show(status);
  const works = status.works.map((/** @type {any} */ work) => `${work.voice} ${work.action}`);
  const open = status.issues.map((/** @type {any} */ issue) => issue.id);
  const ended = status.ended.at(-1)?.id; // a hidden page has not seen every work under way
  const now = JSON.stringify([status.started_at, status.voice, status.speaks, works, ended, open]);
  if (now !== seen) {
    seen = now;
    voices.refresh();
  }
}

function renderState() {
  const { tone, key, values, reason } = summary(link.state, status);
  const text = words.text(key, values);
  setAttribute(document.body, "data-tone", tone);
  setText(byId("state-text"), text);
  const wrong = link.state === "open" && status ? status.issues.length : 0;
  setText(byId("state-issues"), wrong ? words.text("fact.issues", { count: wrong }) : "");
  setText(document.head.querySelector("title") ?? document.head, `${text} – Piper`);
  const detail = byId("state-detail");
  const said = reasonInWords(reason, words);
  const own = words.has(`${key}.detail`) ? words.text(`${key}.detail`) : "";
  setText(detail, [said || reason, own].filter(Boolean).join(" ") || facts());
  setAttribute(detail, "lang", reason && !said ? "en" : null);
  setAttribute(document.body, "data-link", link.state);
  setText(byId("version"), status ? words.text("version", { version: status.version }) : "");
}

/** What would be refused from here is not offered. */
async function learnPermission() {
  const { change } = await api.permission().catch(() => ({ change: true }));
  setAttribute(document.body, "data-access", change ? null : "look");
  byId("state-access").hidden = change;
}

/** What is worth knowing when all is well. */
function facts() {
  if (!status) return "";
  const times = status.requests.flatMap((/** @type {any} */ one) => one.first_audio ?? []);
  const found = [words.text("fact.uptime", { span: words.span(status.uptime) })];
  if (times.length) found.push(words.text("fact.first", { time: words.briefly(median(times)) }));
  const waiting = status.queue.waiting_segments;
  if (waiting) found.push(words.text("fact.waiting", { count: waiting }));
  return found.join(" · ");
}

link.open();
