import assert from "node:assert/strict";
import test from "node:test";

import {
  VoiceOrder,
  plain,
  searchedText,
} from "../../../wyoming_piper_hardened/web/static/voice-order.js";
import { translation } from "./locales.js";

/** @param {string} name @param {object} [more] */
const voice = (name, more = {}) =>
  /** @type {any} */ ({
    name,
    title: name.split("-")[1],
    language: name.split("-")[0],
    languageName: name.split("-")[0],
    state: "available",
    here: false,
    default: false,
    ...more,
  });
const JOE = voice("en_US-joe-medium", { here: true, default: true });
const EVA = voice("de_DE-eva-low");
const KARL = voice("de_DE-karl-low");
const ALAN = voice("en_GB-alan-low");
const RIA = voice("nl_NL-ria-low");
const ALL = [RIA, KARL, ALAN, EVA, JOE];

const never = () => false;
const names = (/** @type {any[]} */ voices) => voices.map(({ title }) => title);
const order = () => new VoiceOrder(translation("en"), ["de-DE", "en-US"]);

test("the default comes first, then the reader's languages", () => {
  assert.deepEqual(names(order().arrange(ALL, never)), ["joe", "eva", "karl", "alan", "ria"]);
});

test("what cannot be used here comes last, whatever its language", () => {
  const useless = voice("de_DE-stumm-low", { state: "unusable" });
  assert.deepEqual(names(order().arrange([useless, ...ALL], never)).at(-1), "stumm");
});

test("a voice keeps its place while it is installed, and afterwards", () => {
  const kept = order();
  const before = names(kept.arrange(ALL, never));
  assert.deepEqual(names(kept.arrange(ALL, (name) => name === RIA.name)), before);
  const installed = ALL.map((one) => (one === RIA ? { ...RIA, here: true } : one));
  assert.deepEqual(names(kept.arrange(installed, never)), before);
  assert.equal(kept.isFirst(RIA), false);
  kept.renew();
  assert.deepEqual(names(kept.arrange(installed, never)), ["joe", "ria", "eva", "karl", "alan"]);
  assert.equal(kept.isFirst(RIA), true);
});

test("an installed voice does not bring others of its language forward", () => {
  const kept = new VoiceOrder(translation("en"), ["en-US"]);
  const before = names(kept.arrange(ALL, never));
  const installed = ALL.map((one) => (one === RIA ? { ...RIA, here: true } : one));
  assert.deepEqual(names(kept.arrange(installed, never)), before);
});

test("a voice that is new in the list takes the place that it deserves", () => {
  const kept = order();
  kept.arrange(ALL, never);
  const own = voice("robot", { title: "robot", language: "", state: "custom", here: true });
  assert.deepEqual(names(kept.arrange([...ALL, own], never)).slice(0, 2), ["joe", "robot"]);
});

test("a voice is found in its own language, in English and in the reader's", () => {
  const own = { ...EVA, language_name: "Deutsch", country: "Germany" };
  const text = searchedText(own, "Eva", "Allemand (Allemagne)");
  for (const sought of ["german", "deutschland", "allemand", "de-DE", "eva"]) {
    assert.ok(text.includes(plain(sought)), sought);
  }
});
