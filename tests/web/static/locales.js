/** Translations of the page without a browser. */

import { readFileSync } from "node:fs";

import { Translation } from "../../../wyoming_piper_hardened/web/static/translation.js";

const STATIC = new URL("../../../wyoming_piper_hardened/web/static/", import.meta.url);

/** @param {string} language @param {string} [locale] @returns {Translation} */
export function translation(language, locale = language) {
  const words = JSON.parse(readFileSync(new URL(`locales/${language}.json`, STATIC), "utf8"));
  return new Translation(language, words, locale);
}
