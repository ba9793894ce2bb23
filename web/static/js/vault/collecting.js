// Collections as the API has them: all that were made by hand, changed one at a time.

import { ask } from "../asking.js";

const MOST = 100;
const REFUSED = {
  401: "you are signed out. Sign in again.",
  404: "it is not there any more.",
  412: "somebody else changed it meanwhile.",
  429: "that was too much at once. Wait a moment.",
};
const FULL = "it is full. Begin another collection.";
const NAMELESS = "type a name of up to 200 characters.";
// What is read shows at least what was changed here.
let changedAt = 0;

/** @typedef {{id: string, name: string | null, count: number, assets: string[]}} Collection */
/** @typedef {{id: string, version: number, position: number}} Changed pages from `position` on show it */

/** @throws {Error} with the end of a sentence and the `status` of the answer */
async function send(method, path, body, version) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  if (method === "GET") Object.assign(headers, { "Min-Position": String(changedAt), Prefer: "wait=5" });
  else if (method !== "POST") headers["If-Match"] = version ? `"v${version}"` : "*";
  const answer = await ask(path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    // Sent also when somebody leaves the page meanwhile.
    keepalive: method === "PATCH",
  }).catch(() => {
    throw new Error("the server did not answer. Try again.");
  });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  const position = Number(answer.headers.get("Event-Position"));
  changedAt = Math.max(changedAt, position);
  if (answer.ok) return { ...told, position };
  const known = told?.code === "collection-full" ? FULL : REFUSED[answer.status];
  const words = known ?? (method === "POST" && answer.status === 422 ? NAMELESS : "something broke on our side. Try again.");
  throw Object.assign(new Error(words), { status: answer.status });
}

/** @returns {Promise<Collection[]>} */
export async function madeByHand() {
  const found = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ kind: "manual", limit: String(MOST), ...(cursor && { cursor }) });
    const { data, next_cursor } = await send("GET", `/api/collections?${query}`);
    found.push(...data);
    cursor = next_cursor;
  } while (cursor);
  return found;
}

/** @param {string} name @param {string[]} assets @returns {Promise<Changed>} */
export const make = (name, assets) => send("POST", "/api/collections", { name, kind: "manual", assets });

/**
 * @param {string} id @param {{add?: string[], remove?: string[], assets?: string[]}} changes
 * @param {number} [version] that was seen; without one it may have changed meanwhile
 * @returns {Promise<Changed>}
 */
export const change = (id, changes, version) => send("PATCH", `/api/collections/${id}`, changes, version);

/** @param {string} id @param {number} version */
export const unmake = (id, version) => send("DELETE", `/api/collections/${id}`, undefined, version);
