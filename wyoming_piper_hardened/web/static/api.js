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

const named = (/** @type {string} */ name) => `voices/${encodeURIComponent(name)}`;

export const api = {
  /** @param {AbortSignal} signal */
  status: async (signal) =>
    /** @type {import("./types.js").Status} */ (await (await ask("GET", "status", { signal })).json()),
  voices: async () => (await ask("GET", "voices")).json(),
  install: (/** @type {string} */ name) => ask("POST", `${named(name)}/install`),
  repair: (/** @type {string} */ name) => ask("POST", `${named(name)}/repair`),
  cancel: (/** @type {string} */ name) => ask("POST", `${named(name)}/cancel`),
  remove: (/** @type {string} */ name) => ask("DELETE", named(name)),
  permission: async () => (await ask("GET", "permission")).json(),
  apply: (/** @type {string} */ id) => ask("POST", `issues/${encodeURIComponent(id)}/apply`),
  dismiss: (/** @type {string} */ id) => ask("DELETE", `issues/${encodeURIComponent(id)}`),
  restartWorkers: () => ask("POST", "workers/restart"),
  /**
   * @param {{text: string, voice?: string, speaker?: string, length_scale?: number}} request
   * @param {AbortSignal} signal
   */
  say: (request, signal) =>
    ask("POST", "say", {
      signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    }),
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
 * @returns {Promise<void>}
 */
export function upload(model, config, onProgress, signal) {
  const form = new FormData();
  form.append("model", model, model.name);
  form.append("config", config, config.name);
  // Of the two ways to send something only this one reports progress.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const stop = () => request.abort();
    request.open("POST", address("voices"));
    for (const [name, value] of Object.entries(CHANGING)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.total && onProgress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(refusal(request.status, request.responseText));
    request.onerror = () => reject(new ApiError(0, "unreachable", ""));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(form);
  });
}
