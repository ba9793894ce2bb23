// Which files were on their way, kept in IndexedDB: a reload or a crash of the tab loses none.
// Their bytes are not kept; a handle is, where a dropped file has one, and leads to the file again.

import { fingerprint } from "./tus.js";

const STORE = "files";

/** Without IndexedDB (private windows of some browsers) nothing is remembered, and nothing fails. */
async function inStore(mode, work) {
  try {
    const database = await opened();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } catch {
    return undefined;
  }
}

let opening;
const opened = () =>
  (opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("noculture-uploads", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }));

const keyOf = (owner, file) => `${owner}:${fingerprint(file)}`;

/** @param {string} owner account whose upload it is @param {FileSystemFileHandle} [handle] */
export function remember(owner, { name, size, lastModified }, handle = null) {
  const key = keyOf(owner, { name, size, lastModified });
  return inStore("readwrite", (files) => files.put({ key, owner, name, size, lastModified, handle }));
}

export function forget(owner, file) {
  return inStore("readwrite", (files) => files.delete(keyOf(owner, file)));
}

/** @returns {Promise<{name, size, lastModified, handle}[]>} */
export async function remembered(owner) {
  const all = (await inStore("readonly", (files) => files.getAll())) ?? [];
  return all.filter((each) => each.owner === owner);
}

/** The file behind a handle, if it may be read and is still the same. @param {boolean} ask */
export async function fileOf({ handle, size, lastModified }, ask) {
  if (!handle) return null;
  try {
    const how = { mode: "read" };
    const may = (await handle.queryPermission(how)) === "granted";
    if (!may && !(ask && (await handle.requestPermission(how)) === "granted")) return null;
    const file = await handle.getFile();
    return file.size === size && file.lastModified === lastModified ? file : null;
  } catch {
    return null;
  }
}
