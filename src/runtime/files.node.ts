/** Files, where the runtime has them: Node, Deno and Bun. In browsers every function says what to do instead. */
import type * as SyncFileSystem from 'node:fs';
import type * as FileSystem from 'node:fs/promises';
import { FettleError, fail } from '../core/errors.js';

/** Whether paths mean files here, and not addresses. */
export function hasFiles(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string';
}

/**
 * The file system, fetched when it is first used. The name of the module is not a literal, so that bundlers for browsers do
 * not look for it.
 */
async function fileSystem(): Promise<typeof FileSystem> {
  const name = ['node:fs', 'promises'].join('/');
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof FileSystem;
  } catch (cause) {
    return fail(
      'unsupported',
      'this runtime has no files. Pass bytes instead of a path; readers take a URL or a Blob too.',
      cause,
    );
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EACCES' || code === 'EPERM') return 'it is not permitted';
  return cause instanceof Error ? cause.message : String(cause);
}

/** The contents of the file. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const fs = await fileSystem();
  try {
    return new Uint8Array(await fs.readFile(path));
  } catch (cause) {
    throw new FettleError('data', `${path}: cannot be read: ${reason(cause)}.`, { cause });
  }
}

/** Whether there is such a file. */
export async function hasFile(path: string): Promise<boolean> {
  const fs = await fileSystem();
  return fs.stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Bytes that are read from a file at a time. */
const CHUNK = 1 << 20;

/** The contents of the file, piece by piece. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const fs = await fileSystem();
  const failed = (cause: unknown): never => {
    throw new FettleError('data', `${path}: cannot be read: ${reason(cause)}.`, { cause });
  };
  const file = await fs.open(path, 'r').catch(failed);
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK)).catch(failed);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Distinguishes the temporary files of one process. */
let written = 0;

/**
 * Writes a file so that, at any moment and after any crash, the name means either what it meant before or all that is
 * written now: under a temporary name in the same folder, to the disk itself, and then renamed.
 */
export async function writeFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const fs = await fileSystem();
  const temporary = `${path}.${process.pid}-${written++}.tmp`;
  try {
    const file = await fs.open(temporary, 'w');
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length; ) at += (await file.write(part, at, part.length - at)).bytesWritten;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (cause) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    throw new FettleError('data', `${path}: cannot be written: ${reason(cause)}.`, { cause });
  }
  await syncFolder(fs, path);
}

/** The new name is in the folder, and the folder has to reach the disk too. Where folders cannot be synced, it does alone. */
async function syncFolder(fs: typeof FileSystem, path: string): Promise<void> {
  try {
    const folder = await fs.open(path.replace(/[^\\/]*$/, '') || '.', 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Windows opens no folders.
  }
}

/** Names of what the folder holds; null if there is no such folder. */
export async function listFolder(path: string): Promise<string[] | null> {
  const fs = await fileSystem();
  try {
    return await fs.readdir(path);
  } catch {
    return null;
  }
}

/** What a folder holds. */
export interface FolderEntry {
  readonly name: string;
  /** What it is; for a link, what the link leads to: nothing if that is gone. */
  readonly kind: 'file' | 'folder' | 'nothing';
  /** Where a link leads to; null for what is none. */
  readonly real: string | null;
}

type Listed = Pick<SyncFileSystem.Dirent, 'name' | 'isFile' | 'isDirectory' | 'isSymbolicLink'>;
type Kind = Pick<SyncFileSystem.Stats, 'isFile' | 'isDirectory'>;

function entryOf(name: string, kind: Kind | null, real: string | null): FolderEntry {
  return { name, kind: kind?.isFile() ? 'file' : kind?.isDirectory() ? 'folder' : 'nothing', real };
}

function cannotList(path: string, cause: unknown): never {
  const isNone = cause instanceof Error && 'code' in cause && cause.code === 'ENOTDIR';
  throw new FettleError('data', `${path}: cannot be listed: ${isNone ? 'it is no folder' : reason(cause)}.`, { cause });
}

/** What the folder holds, links followed. */
export async function readFolder(path: string): Promise<FolderEntry[]> {
  const fs = await fileSystem();
  const follow = async (entry: Listed): Promise<FolderEntry> => {
    if (!entry.isSymbolicLink()) return entryOf(entry.name, entry, null);
    const at = `${path}/${entry.name}`;
    try {
      return entryOf(entry.name, await fs.stat(at), await fs.realpath(at));
    } catch {
      return entryOf(entry.name, null, at);
    }
  };
  const entries = await fs.readdir(path, { withFileTypes: true }).catch((cause: unknown) => cannotList(path, cause));
  return Promise.all(entries.map(follow));
}

/** The file system for functions that answer at once; null where there is none. */
function fileSystemNow(): typeof SyncFileSystem | null {
  return hasFiles() ? (process.getBuiltinModule?.('node:fs') ?? null) : null;
}

/** As `readFolder`, at once. `otherwise` says what to do in a runtime that cannot. */
export function readFolderSync(path: string, otherwise: string): FolderEntry[] {
  const fs = fileSystemNow() ?? fail('unsupported', `${path}: this runtime cannot list folders at once. ${otherwise}`);
  const follow = (entry: Listed): FolderEntry => {
    if (!entry.isSymbolicLink()) return entryOf(entry.name, entry, null);
    const at = `${path}/${entry.name}`;
    try {
      return entryOf(entry.name, fs.statSync(at), fs.realpathSync(at));
    } catch {
      return entryOf(entry.name, null, at);
    }
  };
  let entries: Listed[];
  try {
    entries = fs.readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    return cannotList(path, cause);
  }
  return entries.map(follow);
}

/** The first `head` and the last `tail` bytes of a file, fewer if it has not as many, and how many it has. */
export async function readEnds(
  path: string,
  head: number,
  tail: number,
): Promise<{ first: Uint8Array<ArrayBuffer>; last: Uint8Array<ArrayBuffer>; size: number }> {
  const fs = await fileSystem();
  const failed = (cause: unknown): never => {
    throw new FettleError('data', `${path}: cannot be read: ${reason(cause)}.`, { cause });
  };
  const file = await fs.open(path, 'r').catch(failed);
  try {
    const { size } = await file.stat().catch(failed);
    const piece = async (begin: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, begin).catch(failed);
      return buffer.subarray(0, bytesRead);
    };
    const first = await piece(0, Math.min(head, size));
    return { first, last: await piece(Math.max(0, size - tail), Math.min(tail, size)), size };
  } finally {
    await file.close();
  }
}
