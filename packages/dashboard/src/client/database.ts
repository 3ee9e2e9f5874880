import { AnabranchError } from "@anabranch/engine";

/** The stores of this page: the client's identity, states by [run, version], and records of secure aggregation by run. */
const storeNames = ["identity", "states", "secure"] as const;
export type StoreName = (typeof storeNames)[number];

/** Opens the browser's database of this page. Throws `client/storage` where the browser does not allow one. */
export function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("anabranch", 2);
    request.onupgradeneeded = () => {
      // an earlier version of the page may have made some of them
      for (const name of storeNames) {
        if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name);
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(noStorage(request.error));
    request.onblocked = () => reject(otherTabs());
  });
}

/** Runs requests in one transaction; resolves with the first's result once all is on the disk. Throws `client/storage`. */
export function transact<T>(
  database: IDBDatabase,
  store: StoreName,
  mode: "readonly" | "readwrite",
  use: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const request = use(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(noStorage(transaction.error));
  });
}

function noStorage(cause: DOMException | null): AnabranchError {
  return new AnabranchError({
    code: "client/storage",
    message: "the browser does not let this page keep its identity",
    received: cause?.message ?? "no reason",
    advice: "Leave private browsing, allow this site to store data, or free space. Then reload the page.",
    cause,
  });
}

/** Another tab has the page of an older version open, with the stores of that version. */
function otherTabs(): AnabranchError {
  return new AnabranchError({
    code: "client/storage",
    message: "another tab of this browser has an older version of this page open",
    advice: "Close the other tabs of this page, then reload it.",
  });
}
