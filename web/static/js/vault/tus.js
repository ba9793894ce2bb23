// A tus 1.0 client for one file: creation, pieces, resume after a lost connection or a closed tab.

import { isOurs, signedInAgain } from "../session.js";

const SMALLEST_BYTES = 256 * 1024;
const FIRST_BYTES = 2 * 1024 * 1024;
// Each piece is held in memory while it is sent, and three files are on their way at once.
const LARGEST_BYTES = 16 * 1024 * 1024;
// The server's unit of a proof (commands/staging.py).
const DIGEST_PIECE_BYTES = 8 * 1024 * 1024;
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

// Browsers let only pages of https and of this machine hash. Elsewhere this page goes on only with
// uploads that it began itself, and remembers none.
const mayProve = () => Boolean(globalThis.crypto?.subtle);

/** Sends one file. An upload that was begun before goes on only if the bytes it has are the file's. */
export class TusUpload {
  #url = null;
  // How many of the upload's bytes are known to be this file's: sent from here, or proven.
  #own = 0;
  #request = null;
  #held = false;
  #wake = null;
  #piece = FIRST_BYTES;

  /**
   * @param {File} file
   * @param {string} endpoint
   * @param {object} how
   * @param {string | null} how.path where the file lay in the folder that was chosen
   * @param {string | null} how.url an upload that may be this file's
   * @param {(sent: number) => void} how.onProgress bytes of this file that arrived
   * @param {(said?: string) => void} how.onLost the connection or the session is gone; it goes on
   * @param {(url: string) => void} how.onBegun a new upload, for a later page to go on with
   * @param {() => string | null} how.onOther the upload holds another file's bytes; names the next
   */
  constructor(file, endpoint, { path, url, onProgress, onLost, onBegun, onOther }) {
    Object.assign(this, { file, endpoint, path, onProgress, onLost, onBegun, onOther });
    this.#url = mayProve() ? url : null;
  }

  /** @returns {Promise<{asset: string, duplicate: boolean, restored: boolean}>} rejects with Refused or Held */
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
    await deleteUpload(this.#url);
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

  /** Until the person has signed in again, or holds the upload. */
  #signIn() {
    this.onLost("Sign in again, then the upload goes on");
    return new Promise((resolve) => {
      this.#wake = resolve;
      signedInAgain(true).then(resolve);
    });
  }

  async #sendAll(arrived) {
    let offset = await this.#offset();
    for (;;) {
      this.onProgress(offset);
      const began = performance.now();
      const answer = await this.#patch(offset);
      this.#fit(performance.now() - began);
      offset = this.#own = Number(answer.getResponseHeader("Upload-Offset"));
      arrived();
      const asset = answer.getResponseHeader("NoCulture-Asset");
      if (asset) {
        this.onProgress(this.file.size);
        const said = (name) => answer.getResponseHeader(name) === "true";
        return { asset, duplicate: said("NoCulture-Duplicate"), restored: said("NoCulture-Restored") };
      }
    }
  }

  #fit(took_ms) {
    if (took_ms > LONG_MS) this.#piece = Math.max(SMALLEST_BYTES, this.#piece / 2);
    if (took_ms < SHORT_MS) this.#piece = Math.min(LARGEST_BYTES, this.#piece * 2);
  }

  /** Where to go on: what the server has of an upload that was begun, or a new one. */
  async #offset() {
    while (this.#url) {
      const headers = mayProve() ? { "NoCulture-Digest-From": String(this.#own) } : {};
      const answer = await this.#send("HEAD", this.#url, headers);
      if (answer.status === 423) throw new Lost("it still holds the lock of a cut connection");
      if (answer.status === 404 || answer.status === 410) break;
      if (await this.#isOwn(this.#judge(answer))) return this.#own;
      this.#own = 0;
      this.#url = this.onOther();
    }
    return this.#begin();
  }

  /** Name, size and time may be another file's as well: only the same bytes are proof. */
  async #isOwn(answer) {
    const offset = Number(answer.getResponseHeader("Upload-Offset"));
    if (offset > this.#own && mayProve()) {
      if (Number(answer.getResponseHeader("Upload-Length")) !== this.file.size) return false;
      const own = await this.#digest(this.#own, offset);
      if (answer.getResponseHeader("NoCulture-Digest") !== `sha-256-8mib=:${own}:`) return false;
    }
    this.#own = offset;
    return true;
  }

  async #begin() {
    const text = (said) => base64(new TextEncoder().encode(said));
    const said = [`filename ${text(this.file.name)}`, ...(this.path ? [`path ${text(this.path)}`] : [])];
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": said.join(",") };
    const answer = this.#judge(await this.#send("POST", this.endpoint, headers));
    this.#url = new URL(answer.getResponseHeader("Location"), location.href).pathname;
    if (mayProve()) this.onBegun(this.#url);
    return (this.#own = 0);
  }

  async #patch(offset) {
    const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
    const piece = await this.#read(offset, offset + this.#piece);
    const answer = await this.#send("PATCH", this.#url, headers, piece, offset);
    // 409: the server has another offset. 423: it still holds the lock of a cut connection.
    if (answer.status === 409 || answer.status === 423) throw new Lost();
    if (answer.status === 404 || answer.status === 410) {
      this.#url = null;
      throw new Lost();
    }
    return this.#judge(answer);
  }

  /** SHA-256 over the SHA-256 of each 8 MiB, in bounded memory: a browser hashes only what it holds. */
  async #digest(start, end) {
    const parts = [];
    for (let at = start; at < end; at += DIGEST_PIECE_BYTES) {
      if (this.#held) throw new Held();
      this.onProgress(at);
      const piece = await this.#read(at, Math.min(at + DIGEST_PIECE_BYTES, end));
      parts.push(await crypto.subtle.digest("SHA-256", piece));
    }
    return base64(new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer())));
  }

  /** Read before it is sent: of a file that went away meanwhile a request says "connection lost". */
  async #read(start, end) {
    const piece = this.file.slice(start, end);
    const bytes = await piece.arrayBuffer().catch(() => null);
    if (bytes?.byteLength === piece.size) return bytes;
    throw new Refused("This file was changed, moved or locked. Choose the file again.");
  }

  #judge(answer) {
    if (answer.status < 300) return answer;
    if (answer.status >= 500 || answer.status === 429) throw new Lost(`status ${answer.status}`);
    let said = "";
    try {
      said = JSON.parse(answer.responseText).detail;
    } catch {
      said = `The server refused this file (${answer.status}). Try again.`;
    }
    throw new Refused(said);
  }

  /** XMLHttpRequest, because fetch tells nothing while it sends. @returns {Promise<XMLHttpRequest>} */
  #send(method, url, headers, body = null, offset = 0) {
    return new Promise((resolve, reject) => {
      // Never into the vault of somebody who has signed in meanwhile.
      if (this.#held || !isOurs()) throw new Held();
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
      request.onload = () => {
        // The header tells that the session is over; a refusal of the upload has none.
        if (request.status !== 401 || !request.getResponseHeader("WWW-Authenticate")) return resolve(request);
        this.#signIn().then(() => reject(new Lost("signed in again")));
      };
      request.onerror = request.onabort = request.ontimeout = () => reject(new Lost("connection lost"));
      request.onloadend = () => clearTimeout(watchdog);
      alive();
      request.send(body);
    });
  }
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** Give up what was begun, on the server too. @param {string | null} url */
export async function deleteUpload(url) {
  if (url) await fetch(url, { method: "DELETE", headers: VERSION }).catch(() => {});
}
