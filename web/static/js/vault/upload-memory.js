// Which files were on their way, kept in IndexedDB: a reload or a crash of the tab loses none.
// Their bytes are not kept; a handle is, where a dropped file has one, and leads to the file again.

const STORE = "files";

/**
 * @typedef {object} About what is known of a file on its way. Several may look alike: only their
 *   bytes tell them apart.
 * @property {string} id
 * @property {string} owner account whose upload it is
 * @property {string | null} path where it lay in the folder that was chosen
 * @property {string} name
 * @property {number} size
 * @property {number} lastModified
 * @property {FileSystemFileHandle | null} handle
 * @property {string | null} url the upload that was begun with it
 */

/** @returns {About} */
export function aboutOf(owner, { name, size, lastModified }, path, handle) {
  return { id: newId(), owner, path, name, size, lastModified, handle, url: null };
}

export const newId = () => `${Date.now()}-${Math.random()}`;

/** May be the same file, as far as a browser tells without reading it. */
export const looksLike = (one, other) =>
  ["name", "size", "lastModified"].every((each) => one[each] === other[each]);

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
    // Named anew when its shape changes: an older page that is still open would block an upgrade.
    const request = indexedDB.open("noculture-files", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }));

/** @param {About} about */
export const remember = (about) => inStore("readwrite", (files) => files.put(about));

/** @param {About} about */
export const forget = (about) => inStore("readwrite", (files) => files.delete(about.id));

/** @returns {Promise<About[]>} */
export async function remembered(owner) {
  const all = (await inStore("readonly", (files) => files.getAll())) ?? [];
  return all.filter((each) => each.owner === owner);
}

/** The file behind a handle, if it may be read and looks the same. @param {boolean} ask */
export async function fileOf(about, ask) {
  const { handle } = about;
  if (!handle) return null;
  try {
    const how = { mode: "read" };
    const may = (await handle.queryPermission(how)) === "granted";
    if (!may && !(ask && (await handle.requestPermission(how)) === "granted")) return null;
    const file = await handle.getFile();
    return looksLike(file, about) ? file : null;
  } catch {
    return null;
  }
}
