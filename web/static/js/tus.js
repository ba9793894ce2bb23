// A tus 1.0 client for one file: creation, pieces, resume after a lost connection or a closed tab.

const SMALLEST_BYTES = 256 * 1024;
const FIRST_BYTES = 2 * 1024 * 1024;
const LARGEST_BYTES = 32 * 1024 * 1024;
// A piece that takes longer is halved, one that takes less is doubled: some seconds on any line.
const LONG_MS = 15_000;
const SHORT_MS = 4_000;
// Without an end: a lid may stay closed for hours, and the server keeps what it has for a day.
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
// A connection that died under a closed lid gives no error: nothing moves, for ever.
const STALLED_MS = 20_000;
const NO_ANSWER_MS = 120_000;
const VERSION = { "Tus-Resumable": "1.0.0" };

/** The server said no and will say so again. */
export class Refused extends Error {}
/** Someone pressed pause or cancel. */
export class Held extends Error {}
class Lost extends Error {}

/** The same file of the same disk, as far as a browser tells. */
export const fingerprint = ({ name, size, lastModified }) => `${name}:${size}:${lastModified}`;

export class TusUpload {
  #url = null;
  #request = null;
  #held = false;
  #wake = null;
  #piece = FIRST_BYTES;

  /**
   * @param {File} file
   * @param {string} endpoint
   * @param {(sent: number) => void} onProgress bytes of this file that arrived
   * @param {() => void} onLost the connection is gone; it is tried again
   */
  constructor(file, endpoint, onProgress, onLost) {
    this.file = file;
    this.endpoint = endpoint;
    this.onProgress = onProgress;
    this.onLost = onLost;
    this.memory = memoryOf(file);
  }

  /** @returns {Promise<{asset: string, duplicate: boolean}>} rejects with Refused or Held */
  async run() {
    this.#held = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendAll(() => (attempt = 0));
      } catch (error) {
        if (this.#held) throw new Held();
        if (!(error instanceof Lost)) throw error;
        if (attempt > 1) this.onLost();
        await this.#pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
        if (this.#held) throw new Held();
      }
    }
  }

  hold() {
    this.#held = true;
    this.#request?.abort();
    this.#wake?.();
  }

  async cancel() {
    this.hold();
    await forgetUpload(this.file, this.#url);
  }

  /** Up to half longer, so that many do not come back at once; a network that is back ends it. */
  #pause(delay_ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), delay_ms * (1 + Math.random() / 2));
      const seen = () => document.hidden || this.#wake?.();
      this.#wake = () => {
        clearTimeout(timer);
        removeEventListener("online", this.#wake);
        document.removeEventListener("visibilitychange", seen);
        this.#wake = null;
        resolve();
      };
      addEventListener("online", this.#wake);
      document.addEventListener("visibilitychange", seen);
    });
  }

  async #sendAll(arrived) {
    let offset = await this.#offset();
    for (;;) {
      this.onProgress(offset);
      const began = performance.now();
      const answer = await this.#patch(offset);
      this.#fit(performance.now() - began);
      offset = Number(answer.getResponseHeader("Upload-Offset"));
      arrived();
      const asset = answer.getResponseHeader("NoCulture-Asset");
      if (asset) {
        localStorage.removeItem(this.memory);
        this.onProgress(this.file.size);
        return { asset, duplicate: answer.getResponseHeader("NoCulture-Duplicate") === "true" };
      }
    }
  }

  #fit(took_ms) {
    if (took_ms > LONG_MS) this.#piece = Math.max(SMALLEST_BYTES, this.#piece / 2);
    if (took_ms < SHORT_MS) this.#piece = Math.min(LARGEST_BYTES, this.#piece * 2);
  }

  /** Where to go on: what the server has of an upload that was begun, or a new one. */
  async #offset() {
    this.#url ??= localStorage.getItem(this.memory);
    if (this.#url) {
      const answer = await this.#send("HEAD", this.#url, {});
      if (answer.status < 300) return Number(answer.getResponseHeader("Upload-Offset"));
      if (answer.status === 423) throw new Lost("it still holds the lock of a cut connection");
      if (answer.status !== 404 && answer.status !== 410) this.#judge(answer);
      localStorage.removeItem(this.memory);
    }
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name)));
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": `filename ${name}` };
    const answer = this.#judge(await this.#send("POST", this.endpoint, headers));
    this.#url = new URL(answer.getResponseHeader("Location"), location.href).pathname;
    localStorage.setItem(this.memory, this.#url);
    return 0;
  }

  async #patch(offset) {
    const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
    const piece = this.file.slice(offset, offset + this.#piece);
    const answer = await this.#send("PATCH", this.#url, headers, piece, offset);
    // 409: the server has another offset. 423: it still holds the lock of a cut connection.
    if (answer.status === 409 || answer.status === 423) throw new Lost();
    if (answer.status === 404 || answer.status === 410) {
      this.#url = null;
      localStorage.removeItem(this.memory);
      throw new Lost();
    }
    return this.#judge(answer);
  }

  #judge(answer) {
    if (answer.status < 300) return answer;
    if (answer.status >= 500 || answer.status === 429) throw new Lost(`status ${answer.status}`);
    let said = "";
    try {
      said = JSON.parse(answer.responseText).detail;
    } catch {
      said = `The server refused it (${answer.status})`;
    }
    throw new Refused(said);
  }

  /** XMLHttpRequest, because fetch tells nothing while it sends. @returns {Promise<XMLHttpRequest>} */
  #send(method, url, headers, body = null, offset = 0) {
    return new Promise((resolve, reject) => {
      const request = (this.#request = new XMLHttpRequest());
      request.open(method, url);
      for (const [name, value] of Object.entries({ ...VERSION, ...headers })) {
        request.setRequestHeader(name, value);
      }
      let patience_ms = body ? STALLED_MS : NO_ANSWER_MS;
      let watchdog;
      const alive = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => request.abort(), patience_ms);
      };
      request.upload.onprogress = (event) => {
        alive();
        this.onProgress(offset + event.loaded);
      };
      request.upload.onload = () => {
        patience_ms = NO_ANSWER_MS; // the last piece is followed by a hash over the whole file
        alive();
      };
      request.onload = () => resolve(request);
      request.onerror = request.onabort = request.ontimeout = () => reject(new Lost("connection lost"));
      request.onloadend = () => clearTimeout(watchdog);
      alive();
      request.send(body);
    });
  }
}

const memoryOf = (file) => `noculture:upload:${fingerprint(file)}`;

/** Give up what was begun of a file, on the server too. @param {{name, size, lastModified}} file */
export async function forgetUpload(file, url = null) {
  url ??= localStorage.getItem(memoryOf(file));
  localStorage.removeItem(memoryOf(file));
  if (url) await fetch(url, { method: "DELETE", headers: VERSION }).catch(() => {});
}
