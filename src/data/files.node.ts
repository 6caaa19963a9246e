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
    return fail('unsupported', 'this runtime has no files. Pass a URL, a Blob or the bytes instead of a path.', cause);
  }
}

/** The contents of the file. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const fs = await fileSystem();
  try {
    return new Uint8Array(await fs.readFile(path));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(cause);
    throw new FettleError('data', `${path}: cannot be read: ${why}.`, { cause });
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
