// The build derives the binaries for shared memory from the others; the compiler must make the same of their targets.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const aside = mkdtempSync(join(tmpdir(), 'fettle-shared-'));
for (const target of ['strict-shared', 'relaxed-shared']) {
  const outFile = join(aside, `${target}.wasm`);
  const asc = ['node_modules/assemblyscript/bin/asc.js', '--target', target, '--outFile', outFile];
  execFileSync(process.execPath, asc, { stdio: ['ignore', 'ignore', 'inherit'] });
  assert.ok(readFileSync(outFile).equals(readFileSync(`build/${target}.wasm`)), `${target}.wasm is what asc makes`);
  console.log(`${target}.wasm is what the compiler makes of its target`);
}
rmSync(aside, { recursive: true });
