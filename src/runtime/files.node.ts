/** Files, where the runtime has them: Node, Deno and Bun. In browsers every function says what to do instead. */
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
