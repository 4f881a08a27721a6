/** Puts the page together: one status comes in, every part shows its share of it. */

import { api } from "./api.js";
import { foldCards } from "./cards.js";
import { showAddresses } from "./connect.js";
import { byId, setAttribute, setText } from "./dom.js";
import { DefaultVoice } from "./default-voice.js";
import { Dictionary } from "./dictionary.js";
import { failureText } from "./events.js";
import { median } from "./history.js";
import { Housekeeping } from "./housekeeping.js";
import { Issues } from "./issues.js";
import { Link } from "./link.js";
import { Metrics } from "./metrics.js";
import { Notices } from "./notices.js";
import { Player } from "./player.js";
import { RecentLog } from "./recent-log.js";
import { SamplePlayer } from "./sample.js";
import { PresetForm } from "./preset-form.js";
import { PresetList } from "./preset-list.js";
import { Say } from "./say.js";
import { summary } from "./state.js";
import { load } from "./translation.js";
import { Upload } from "./upload.js";
import { Voices } from "./voices.js";

const words = await load();
document.documentElement.lang = words.language;
words.apply(document);
foldCards(document);
document.body.classList.remove("loading");

const notices = new Notices(byId("notices"), words, byId("issue-list"));
const player = new Player(
  () => say.show(),
  (audio, rate) => say.draw(audio, rate),
);
const samples = new SamplePlayer(player, words, notices, () => {
  voices.render();
  presets.render();
});
const upload = new Upload(words, notices);
const voices = new Voices(
  words,
  notices,
  samples,
  (installed, own) => {
    say.setVoices(installed);
    presets.setPresets(own, installed);
    presetForm.setVoices(installed.filter(({ name }) => own.every((one) => one.name !== name)));
    dictionary.setLanguages(say.languages);
    housekeeping.show(voices.voices);
  },
  (name) => upload.again(name),
  (name) => defaultVoice.choose(name),
);
const defaultVoice = new DefaultVoice(words, notices, () => voices.refresh());
const presetForm = new PresetForm(player, words, () => voices.refresh());
const presets = new PresetList(words, samples, (name) => defaultVoice.choose(name), presetForm);
const housekeeping = new Housekeeping(words, {
  update: (name) => voices.update(name),
  remove: (name) => voices.remove(name),
});
const say = new Say(player, words);
const dictionary = new Dictionary(
  player,
  words,
  (language) => say.voiceFor(language),
  () => say.preview.refresh(),
);
const issues = new Issues(words, notices, {
  upload: (/** @type {string} */ name) => upload.again(name),
  download: (/** @type {string} */ name) => voices.download(name),
  remove: (/** @type {string} */ name) => voices.remove(name),
});
const metrics = new Metrics(words, notices);
const recentLog = new RecentLog(words);

/** @type {import("./types.js").Status|null} */
let status = null;
/** The parts of the status that the list of voices depends on; a change has it read again. */
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
      showPermission();
      showAddresses(words);
    }
    renderState();
  },
);

function render() {
  frame = 0;
  renderState();
  if (!status) return;
  issues.show(status);
  dictionary.show(status);
  voices.show(status);
  housekeeping.follow(status);
  metrics.show(status);
  recentLog.show(status);
  const { started_at, voice, speaks, voices_revision: revision } = status;
  const jobs = status.jobs.map((job) => `${job.voice} ${job.action}`);
  const open = status.issues.map((issue) => issue.id);
  const finished = status.finished_jobs.at(-1)?.id; // a hidden page has not seen every job
  const now = JSON.stringify([started_at, revision, voice, speaks, jobs, finished, open]);
  if (now !== seen) {
    seen = now;
    voices.refresh();
  }
}

function renderState() {
  const { tone, key, values, failure, reason } = summary(link.state, status);
  const text = words.text(key, values);
  setAttribute(document.body, "data-tone", tone);
  setText(byId("state-text"), text);
  const wrong = link.state === "open" && status ? status.issues.length : 0;
  setText(byId("state-issues"), wrong ? words.text("fact.issues", { count: wrong }) : "");
  setText(document.head.querySelector("title") ?? document.head, `${text} – Piper`);
  const detail = byId("state-detail");
  const said = failureText(failure, words);
  const own = words.has(`${key}.detail`) ? words.text(`${key}.detail`) : "";
  setText(detail, [said || reason, own].filter(Boolean).join(" ") || facts());
  setAttribute(detail, "lang", reason && !said ? "en" : null);
  setAttribute(document.body, "data-link", link.state);
  const connected = link.state === "open" || link.state === "connecting";
  say.setConnected(connected);
  /** @type {NodeListOf<HTMLFieldSetElement>} */
  const needsServer = document.querySelectorAll("fieldset.needs-server");
  for (const fieldset of needsServer) fieldset.disabled = !connected;
  setText(byId("version"), status ? words.text("version", { version: status.version }) : "");
}

/** Hide what would be refused from here. */
async function showPermission() {
  const { change } = await api.permission().catch(() => ({ change: true }));
  setAttribute(document.body, "data-access", change ? null : "look");
  byId("state-access").hidden = change;
}

/** Uptime, speed and queue, shown when nothing is wrong. */
function facts() {
  if (!status) return "";
  const times = status.requests.flatMap((one) => one.first_audio ?? []);
  const found = [words.text("fact.uptime", { span: words.span(status.uptime) })];
  if (times.length) found.push(words.text("fact.first", { time: words.briefly(median(times)) }));
  const waiting = status.queue.waiting_segments;
  if (waiting) found.push(words.text("fact.waiting", { count: waiting }));
  return found.join(" · ");
}

link.open();
