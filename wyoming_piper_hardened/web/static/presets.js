/** Presets, which are chosen as voices are. */

/**
 * Return the presets whose voice is among `voices` as voices of their own.
 * @param {import("./types.js").Preset[]} presets
 * @param {import("./voice-order.js").ShownVoice[]} voices
 * @returns {import("./voice-order.js").ShownVoice[]}
 */
export function asVoices(presets, voices) {
  return presets.flatMap(({ name, voice, speaker, default: standard }) => {
    const spoken = voices.find((one) => one.name === voice);
    if (!spoken) return [];
    const only = speaker ? { speakers: [], number_of_speakers: 1 } : {};
    return [{ ...spoken, ...only, name, title: name, default: standard }];
  });
}
