import { listFolder, readFile, writeFile } from '../../runtime/files.node.js';

/** Where long work keeps what it has done, so that it can go on after an interruption: bytes by name. */
export interface Store {
  /** The bytes that were saved under this name, or null. */
  load(name: string): Promise<Uint8Array | null>;
  /** Saves bytes: whoever loads the name later gets all of these or all of those before, whatever happens meanwhile. */
  save(name: string, bytes: Uint8Array): Promise<void>;
}

/** A folder that is there already; every name is a file in it. */
export function folderStore(folder: string): Store {
  const path = (name: string): string => `${folder}/${name}`;
  return {
    load: async (name) => ((await listFolder(folder))?.includes(name) ? readFile(path(name)) : null),
    save: (name, bytes) => writeFile(path(name), [bytes]),
  };
}

/** Memory: what is saved lasts as long as the object. */
export function memoryStore(): Store {
  const saved = new Map<string, Uint8Array>();
  return {
    load: async (name) => saved.get(name) ?? null,
    save: async (name, bytes) => {
      saved.set(name, bytes.slice());
    },
  };
}

/** What was saved under `name` as JSON, or null. */
export async function loadJson(store: Store, name: string): Promise<unknown> {
  const bytes = await store.load(name);
  if (bytes === null) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return null;
  }
}

export async function saveJson(store: Store, name: string, value: unknown): Promise<void> {
  await store.save(name, new TextEncoder().encode(JSON.stringify(value)));
}
