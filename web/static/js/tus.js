// A tus 1.0 client for one file: creation, chunks, resume after a lost connection or a closed tab.

const CHUNK_BYTES = 16 * 1024 * 1024;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000];
const VERSION = { "Tus-Resumable": "1.0.0" };

/** The server said no and will say so again. */
export class Refused extends Error {}
/** Someone pressed pause or cancel. */
export class Held extends Error {}
class Lost extends Error {}

export class TusUpload {
  #url = null;
  #request = null;
  #held = false;

  /**
   * @param {File} file
   * @param {string} endpoint
   * @param {(sent: number) => void} onProgress bytes of this file that arrived
   */
  constructor(file, endpoint, onProgress) {
    this.file = file;
    this.endpoint = endpoint;
    this.onProgress = onProgress;
    this.memory = `noculture:upload:${file.name}:${file.size}:${file.lastModified}`;
  }

  /** @returns {Promise<{asset: string, duplicate: boolean}>} rejects with Refused or Held */
  async run() {
    this.#held = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendAll(() => (attempt = 0));
      } catch (error) {
        if (this.#held) throw new Held();
        if (!(error instanceof Lost) || attempt >= RETRY_MS.length) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS[attempt]));
        if (this.#held) throw new Held();
      }
    }
  }

  hold() {
    this.#held = true;
    this.#request?.abort();
  }

  async cancel() {
    this.hold();
    localStorage.removeItem(this.memory);
    if (this.#url) await fetch(this.#url, { method: "DELETE", headers: VERSION }).catch(() => {});
  }

  async #sendAll(arrived) {
    let offset = await this.#offset();
    for (;;) {
      this.onProgress(offset);
      const answer = await this.#patch(offset);
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

  /** Where to go on: what the server has of an upload that was begun, or a new one. */
  async #offset() {
    this.#url ??= localStorage.getItem(this.memory);
    if (this.#url) {
      const answer = await this.#send("HEAD", this.#url, {});
      if (answer.status < 300) return Number(answer.getResponseHeader("Upload-Offset"));
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
    const chunk = this.file.slice(offset, offset + CHUNK_BYTES);
    const answer = await this.#send("PATCH", this.#url, headers, chunk, offset);
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
      if (body) request.upload.onprogress = (event) => this.onProgress(offset + event.loaded);
      request.onload = () => resolve(request);
      request.onerror = request.onabort = request.ontimeout = () => reject(new Lost("connection lost"));
      request.send(body);
    });
  }
}
