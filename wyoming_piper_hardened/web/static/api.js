/** Calls of the API; addresses are relative, so any prefix before them is kept. */

/** A refusal of the server, or of something before it. `code` is for programs, `message` for people. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Asks of the header that keeps other sites from changing anything here. */
const CHANGING = { "X-Requested-With": "fetch" };

/** @param {string} path @returns {URL} */
export function address(path) {
  return new URL(`api/${path}`, document.baseURI);
}

/** The error that an answer carries. @param {number} status @param {string} body */
export function refusal(status, body) {
  try {
    const { code, message } = JSON.parse(body).error;
    return new ApiError(status, String(code), String(message));
  } catch {
    return new ApiError(status, `http-${status}`, "");
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {RequestInit} [more]
 * @returns {Promise<Response>} a good one
 * @throws {ApiError}
 */
async function ask(method, path, more = {}) {
  const headers = { ...(method === "GET" ? {} : CHANGING), ...more.headers };
  let answer;
  try {
    answer = await fetch(address(path), { cache: "no-store", ...more, method, headers });
  } catch (error) {
    if (more.signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "");
  }
  if (!answer.ok) throw refusal(answer.status, await answer.text().catch(() => ""));
  return answer;
}

const json = (/** @type {object} */ body) => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

const named = (/** @type {string} */ name) => `voices/${encodeURIComponent(name)}`;

/** Start a job, or join it. @param {string} path @returns {Promise<import("./types.js").Started>} */
const begin = async (path) => (await ask("POST", path)).json();

export const api = {
  /** @param {AbortSignal} signal */
  status: async (signal) =>
    /** @type {import("./types.js").Status} */ (await (await ask("GET", "status", { signal })).json()),
  voices: async () => (await ask("GET", "voices")).json(),
  /** @param {boolean} ifDue unless the repository was asked within the last minute */
  refreshCatalogue: (ifDue) => ask("POST", `catalogue/refresh?if_due=${ifDue}`),
  install: (/** @type {string} */ name) => begin(`${named(name)}/install`),
  repair: (/** @type {string} */ name) => begin(`${named(name)}/repair`),
  /** @param {string} name @returns {Promise<import("./types.js").Cancelled>} */
  cancel: async (name) => (await ask("POST", `${named(name)}/cancel`)).json(),
  remove: (/** @type {string} */ name) => ask("DELETE", named(name)),
  /** @param {string} name @returns {Promise<string[]>} addresses of what is left of an own voice */
  files: async (name) => {
    const { files } = await (await ask("GET", `${named(name)}/files`)).json();
    return files.map((/** @type {{file: string}} */ { file }) =>
      String(address(`${named(name)}/files/${encodeURIComponent(file)}`)),
    );
  },
  /** @param {string} name @returns {Promise<import("./types.js").ModelCard>} also of one that is not installed */
  modelCard: async (name) => (await ask("GET", `${named(name)}/model-card`)).json(),
  /** @param {string} name @returns {Promise<string>} the address of a voice in one file */
  exported: async (name) => {
    const path = `${named(name)}/export`;
    await ask("HEAD", path).catch(() => ask("GET", path)); // only that answer says why
    return String(address(path));
  },
  /**
   * A sample of a voice, as MP3, also of one that is not installed.
   * @param {string} name
   * @param {string} speaker its name or number; empty for the first
   * @param {AbortSignal} signal
   */
  sample: async (name, speaker, signal) => {
    const query = new URLSearchParams({ speaker });
    return (await ask("GET", `${named(name)}/sample?${query}`, { signal })).arrayBuffer();
  },
  setDefaultVoice: (/** @type {string} */ name) => ask("PUT", "default-voice", json({ name })),
  /**
   * @param {string} name
   * @param {import("./types.js").PresetOptions} options
   * @param {boolean} create whether a preset of that name is not to be changed
   */
  putPreset: (name, options, create) =>
    ask("PUT", `presets/${encodeURIComponent(name)}?create=${create}`, json(options)),
  removePreset: (/** @type {string} */ name) => ask("DELETE", `presets/${encodeURIComponent(name)}`),
  permission: async () => (await ask("GET", "permission")).json(),
  /** @param {string} id @returns {Promise<import("./types.js").Job|undefined>} if it takes a job */
  apply: async (id) => (await begin(`issues/${encodeURIComponent(id)}/apply`)).job,
  dismiss: (/** @type {string} */ id) => ask("DELETE", `issues/${encodeURIComponent(id)}`),
  restartWorkers: () => ask("POST", "workers/restart"),
  /**
   * @param {import("./types.js").SpeechRequest} request
   * @param {AbortSignal} signal
   */
  say: (request, signal) =>
    ask("POST", "say", { signal, ...json(request) }),
  /** A whole WAV file, with its true length. @param {import("./save.js").Request} request */
  wav: (request) => ask("POST", "say", json({ ...request, stream: false })),
  /** @param {import("./save.js").Request} request */
  mp3: ({ text, length_scale: scale, ...rest }) => {
    const body = { ...rest, input: text, speed: 1 / (scale ?? 1), model: "tts-1", response_format: "mp3" };
    return ask("POST", "../v1/audio/speech", json(body));
  },
  info: async () =>
    /** @type {{wyoming_port: number|null, auth: string}} */ (await (await ask("GET", "info")).json()),
  /**
   * How a text would be spoken.
   * @param {{text: string, voice?: string, phonemes: boolean}} request
   * @param {AbortSignal} signal
   */
  preview: async (request, signal) =>
    /** @type {import("./types.js").TextPreview} */ (
      await (await ask("POST", "text", { signal, ...json(request) })).json()
    ),
  dictionary: async () =>
    /** @type {import("./types.js").Dictionary} */ (await (await ask("GET", "dictionary")).json()),
  /** @param {{language: string, word: string, spoken: string, version: string}} entry */
  putWord: async (entry) =>
    /** @type {import("./types.js").Dictionary} */ (
      await (await ask("PUT", "dictionary", json(entry))).json()
    ),
  /** @param {{language: string, word: string, version: string}} entry */
  removeWord: async (entry) =>
    /** @type {import("./types.js").Dictionary} */ (
      await (await ask("DELETE", `dictionary?${new URLSearchParams(entry)}`)).json()
    ),
  /**
   * How a speech went, as the status has it; nothing if the server does not know it.
   * @param {string} id the answer's X-Request-Id
   * @param {AbortSignal} signal
   */
  request: async (id, signal) => {
    const { requests } = await api.status(signal);
    return requests.find((one) => one.id === id);
  },
};

/**
 * Send a voice of the user's own.
 * @param {File} model
 * @param {File} config
 * @param {(part: number) => void} onProgress gets the part that is sent, from 0 to 1
 * @param {AbortSignal} signal
 */
export function upload(model, config, onProgress, signal) {
  const form = new FormData();
  form.append("model", model, model.name);
  form.append("config", config, config.name);
  return send("voices", form, onProgress, signal);
}

/**
 * Send a voice that another machine exported.
 * @param {File} file
 * @param {(part: number) => void} onProgress gets the part that is sent, from 0 to 1
 * @param {AbortSignal} signal
 */
export function importBundle(file, onProgress, signal) {
  return send("voices/import", file.slice(0, file.size, "application/x-tar"), onProgress, signal);
}

/**
 * @param {string} path
 * @param {FormData|Blob} body
 * @param {(part: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function send(path, body, onProgress, signal) {
  // Of the two ways to send something only this one reports progress.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const stop = () => request.abort();
    request.open("POST", address(path));
    for (const [name, value] of Object.entries(CHANGING)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.total && onProgress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(refusal(request.status, request.responseText));
    request.onerror = () => reject(new ApiError(0, "unreachable", ""));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(body);
  });
}
