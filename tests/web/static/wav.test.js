import assert from "node:assert/strict";
import test from "node:test";

import { WavReader } from "../../../wyoming_piper_hardened/web/static/wav.js";

const SAMPLES = [0, 16384, -32768, 32767, -1];

function wav() {
  const header = Buffer.concat([
    Buffer.from("RIFF\xff\xff\xff\xffWAVE", "latin1"),
    Buffer.from("LIST\x03\x00\x00\x00abc\x00", "latin1"), // of odd length, so padded
    Buffer.from("fmt \x10\x00\x00\x00", "latin1"),
    Buffer.from(new Uint16Array([1, 1]).buffer),
    Buffer.from(new Uint32Array([22050, 44100]).buffer),
    Buffer.from(new Uint16Array([2, 16]).buffer),
    Buffer.from("data\xff\xff\xff\xff", "latin1"),
  ]);
  return Buffer.concat([header, Buffer.from(new Int16Array(SAMPLES).buffer)]);
}

for (const size of [1, 2, 3, 7, 43, 44, wav().length]) {
  test(`reads a file in pieces of ${size} bytes`, () => {
    const file = wav();
    const reader = new WavReader();
    const samples = [];
    for (let at = 0; at < file.length; at += size) {
      samples.push(...reader.read(new Uint8Array(file.subarray(at, at + size))));
    }
    assert.deepEqual(samples.map((one) => one * 32768), SAMPLES);
    assert.deepEqual(reader.format, { channels: 1, rate: 22050 });
  });
}

test("refuses what is no WAV file", () => {
  const page = new TextEncoder().encode("<!doctype html><html>");
  assert.throws(() => new WavReader().read(page), TypeError);
});
