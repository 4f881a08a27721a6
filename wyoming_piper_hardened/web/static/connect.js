/** Addresses of this server for other programs, each with a button that copies it. */

import { api } from "./api.js";
import { copyButton } from "./copy.js";
import { byId, element } from "./dom.js";

/** In the address of a page that Home Assistant shows; other programs cannot use that one. */
const INGRESS = "/hassio_ingress/";

/** @typedef {{key: string, value: string}} Row */

/**
 * The rows of the card. Pure: no document.
 * @param {string} base address of the page
 * @param {{wyoming_port: number|null, auth: string}} info
 * @returns {Row[]} `key` names what it is; none where nobody could use them
 */
export function addresses(base, { wyoming_port: port, auth }) {
  const { hostname, pathname } = new URL(base);
  if (pathname.includes(INGRESS)) return [];
  const token = auth === "none" ? "" : " --header 'Authorization: Bearer TOKEN'";
  const say = new URL("api/say", base);
  const rows = [
    { key: "connect.openai", value: String(new URL("v1", base)) },
    {
      key: "connect.curl",
      value: `curl --json '{"text": "Hello.", "stream": false}'${token} --output hello.wav ${say}`,
    },
  ];
  return port ? [{ key: "connect.wyoming", value: `tcp://${hostname}:${port}` }, ...rows] : rows;
}

/** Fill the card; without an answer it stays hidden. */
export async function showAddresses(/** @type {import("./translation.js").Translation} */ words) {
  const info = await api.info().catch(() => null);
  if (!info) return;
  const rows = addresses(document.baseURI, info);
  byId("connect-list").replaceChildren(
    ...rows.map(({ key, value }) =>
      element(
        "div",
        { class: "connect-row" },
        element("dt", {}, words.text(key)),
        element("dd", {}, element("code", {}, value), copyButton(words, () => value, words.text(key))),
      ),
    ),
  );
  byId("connect-list").hidden = !rows.length;
  byId("connect-ingress").hidden = rows.length > 0;
  byId("connect").hidden = false;
}
