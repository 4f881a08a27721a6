/** The order of the voices and the search in them. Pure: no document, no clock. */

/**
 * @typedef {import("./types.js").Voice} Voice
 * @typedef {Voice & {title: string, languageName: string, qualityName: string, here: boolean,
 *   searched: string}} ShownVoice a voice as the table has it
 */

/** The rank of voices with a job; those before are installed. */
const BUSY = 2;

const ENGLISH = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/**
 * Sorts voices by rank, language and title. A voice keeps its rank until `renew`, so that no row
 * leaves its place while something is installed or removed.
 */
export class VoiceOrder {
  /**
   * @param {import("./translation.js").Translation} words
   * @param {readonly string[]} languages of the reader, such as `navigator.languages`
   */
  constructor(words, languages) {
    this.words = words;
    this.tags = languages.map((tag) => tag.replace("-", "_"));
    /** @type {Map<string, number>} */
    this.ranks = new Map();
    /** @type {Set<string>} families of the languages that are spoken here */
    this.spoken = new Set();
  }

  /** Give new ranks to all voices when they are arranged the next time. */
  renew() {
    this.ranks.clear();
  }

  /**
   * Return the voices in their order.
   * @param {ShownVoice[]} voices
   * @param {(name: string) => boolean} isBusy whether a voice has a job
   */
  arrange(voices, isBusy) {
    if (!this.ranks.size) {
      this.spoken = new Set(voices.filter(({ here }) => here).map(({ language }) => family(language)));
    }
    for (const voice of voices) {
      if (!this.ranks.has(voice.name)) this.ranks.set(voice.name, this.#rank(voice, isBusy));
    }
    return [...voices].sort((a, b) => this.#rankOf(a) - this.#rankOf(b) || this.#compare(a, b));
  }

  /** Whether a voice was installed, or had a job, when it got its rank. */
  isFirst(/** @type {ShownVoice} */ voice) {
    return this.#rankOf(voice) <= BUSY;
  }

  #rankOf(/** @type {ShownVoice} */ { name }) {
    return this.ranks.get(name) ?? Infinity;
  }

  /** The default first, the installed, those with a job, the languages of the reader, what is of no use. */
  #rank(/** @type {ShownVoice} */ voice, /** @type {(name: string) => boolean} */ isBusy) {
    if (voice.here) return voice.default ? 0 : 1;
    if (voice.state === "damaged") return 1;
    if (isBusy(voice.name)) return BUSY;
    if (voice.state === "unusable") return 8;
    const own = family(voice.language);
    if (this.tags.includes(voice.language)) return 3 + this.tags.indexOf(voice.language) / 100;
    const families = this.tags.map(family);
    if (families.includes(own)) return 4 + families.indexOf(own) / 100;
    if (own === this.words.language) return 5;
    return this.spoken.has(own) ? 6 : 7;
  }

  #compare(/** @type {ShownVoice} */ a, /** @type {ShownVoice} */ b) {
    const { collator } = this.words;
    return (
      collator.compare(a.languageName, b.languageName) ||
      collator.compare(a.title, b.title) ||
      collator.compare(a.name, b.name)
    );
  }
}

const family = (/** @type {string} */ language) => language.split("_")[0];

/** A text as it is searched: `en-GB`, `Français` and `francais` find what they should. */
export function plain(/** @type {string} */ text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("-", "_").toLowerCase();
}

/**
 * The words by which a voice is found, in its own language, in English and in the reader's.
 * @param {Voice} voice
 * @param {string[]} more such as its title
 */
export function searchedText(voice, ...more) {
  const { name, language_name: own, country } = voice;
  const [language, region] = voice.language.split("_");
  return plain([name, own, country, english(language), regionName(language, region), ...more].join(" "));
}

function english(/** @type {string} */ language) {
  try {
    return ENGLISH.of(language) ?? "";
  } catch {
    return ""; // no code of a language
  }
}

/** A country's own name, such as "Deutschland". */
function regionName(/** @type {string} */ language, /** @type {string} */ region) {
  try {
    return new Intl.DisplayNames([language], { type: "region", fallback: "none" }).of(region) ?? "";
  } catch {
    return ""; // no language or no region that the browser knows
  }
}
