import assert from "node:assert/strict";
import test from "node:test";

import { addresses } from "../../../wyoming_piper_hardened/web/static/connect.js";

const INFO = { wyoming_port: 10200, auth: "none" };

test("other programs get the addresses under which the page was opened", () => {
  assert.deepEqual(addresses("http://piper.local:8080/", INFO), [
    { key: "connect.wyoming", value: "tcp://piper.local:10200" },
    { key: "connect.openai", value: "http://piper.local:8080/v1" },
    {
      key: "connect.curl",
      value:
        `curl --json '{"text": "Hello.", "stream": false}' --output hello.wav ` +
        "http://piper.local:8080/api/say",
    },
  ]);
});

test("an address of IPv6 and a prefix are kept", () => {
  const [wyoming, openai] = addresses("https://[::1]/piper/", INFO).map(({ value }) => value);
  assert.deepEqual([wyoming, openai], ["tcp://[::1]:10200", "https://[::1]/piper/v1"]);
});

test("where a token is needed, the command has a place for it", () => {
  const rows = addresses("http://piper.local:8080/", { ...INFO, auth: "token" });
  assert.match(rows[2].value, /--header 'Authorization: Bearer TOKEN'/);
});

test("without a TCP port there is no address of Wyoming", () => {
  const rows = addresses("http://piper.local:8080/", { ...INFO, wyoming_port: null });
  assert.deepEqual(rows.map(({ key }) => key), ["connect.openai", "connect.curl"]);
});

test("the address of Home Assistant's ingress is of no use to others", () => {
  assert.deepEqual(addresses("http://ha.local:8123/api/hassio_ingress/abc/", INFO), []);
});
