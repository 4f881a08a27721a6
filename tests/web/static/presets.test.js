import assert from "node:assert/strict";
import { test } from "node:test";

import { asVoices } from "../../../wyoming_piper_hardened/web/static/presets.js";

const joe = { name: "joe", title: "Joe", language: "en_US", default: true, number_of_speakers: 2, speakers: ["a", "b"] };

test("a preset is a voice under its own name, and the default only if it is chosen", () => {
  const [slowly, quiet] = asVoices(
    [
      { name: "Joe, slowly", voice: "joe", speaker: null, default: false },
      { name: "Quiet", voice: "joe", speaker: null, default: true },
    ],
    [joe],
  );
  assert.equal(quiet.default, true);
  assert.deepEqual(slowly, { ...joe, name: "Joe, slowly", title: "Joe, slowly", default: false });
});

test("a preset with a speaker offers no other", () => {
  const [anna] = asVoices([{ name: "Anna", voice: "joe", speaker: "a" }], [joe]);
  assert.deepEqual([anna.speakers, anna.number_of_speakers], [[], 1]);
});

test("a preset whose voice is not here cannot be chosen", () => {
  assert.deepEqual(asVoices([{ name: "x", voice: "thorsten", speaker: null }], [joe]), []);
});
