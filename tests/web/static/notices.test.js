import assert from "node:assert/strict";
import test from "node:test";

import { ApiError } from "../../../wyoming_piper_hardened/web/static/api.js";
import { explain } from "../../../wyoming_piper_hardened/web/static/notices.js";
import { pair } from "../../../wyoming_piper_hardened/web/static/upload.js";
import { translation } from "./locales.js";

const words = translation("en");
const MESSAGE = "xqzw";

test("an error of the server is explained by its code or by codes like it", () => {
  for (const [code, key] of [
    ["no-space", "error.no-space"],
    ["captive-portal", "error.intercepted"],
  ]) {
    const found = explain(new ApiError(507, code, MESSAGE), words);
    assert.deepEqual(found, { text: words.text(key), detail: MESSAGE });
  }
});

test("an unknown code shows the English message", () => {
  assert.deepEqual(explain({ code: "files", message: MESSAGE }, words), {
    text: "",
    detail: MESSAGE,
  });
});

test("an answer without a message shows its status", () => {
  const { text } = explain(new ApiError(502, "http-502", ""), words);
  assert.match(text, /502/);
});

test("a broken transfer of the browser", () => {
  const { text } = explain(new TypeError("network error"), words);
  assert.equal(text, words.text("error.broken-off"));
});

test("a pair of files", () => {
  const files = (/** @type {string[]} */ ...names) =>
    /** @type {any} */ (names.map((name) => ({ name })));
  assert.equal(pair(files("a.onnx", "a.onnx.json"))?.model.name, "a.onnx");
  assert.equal(pair(files("a.onnx", "b.onnx.json")), null);
  assert.equal(pair(files("a.onnx")), null);
});
