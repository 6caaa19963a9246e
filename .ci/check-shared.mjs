// The build derives the binaries for shared memory from the others; the compiler must make the same of their targets.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { argumentsOf, arithmetics, jobs } from '../scripts/parts.mjs';

for (const job of jobs.filter(({ target }) => arithmetics.includes(target))) {
  const name = `${job.name}-shared`;
  let made = new Uint8Array();
  const { error, stderr } = await asc.main(argumentsOf({ ...job, target: `${job.target}-shared` }, 'shared.wasm'), {
    writeFile: (_file, contents) => {
      made = contents;
    },
  });
  assert.equal(error, null, stderr.toString());
  const derived = readFileSync(fileURLToPath(new URL(`../build/${name}.wasm`, import.meta.url)));
  assert.ok(derived.equals(made), `${name}.wasm is what asc makes`);
}
console.log('the binaries for shared memory are what the compiler makes of their targets');
