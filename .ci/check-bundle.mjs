// A program that uses two ops carries two ops. Bundles it as a consumer would, and looks at what came along.
//
//   node .ci/check-bundle.mjs FOLDER    a folder in which the package is installed
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const folder = process.argv[2];
/** Kilobytes of JavaScript, compressed, beside the .wasm: the engine, tensors, the tape, and little else. */
const BUDGET = 15;

const program = "import { relu, zeros } from 'fettle/ops'; console.log(relu(zeros([2])).dataSync());";
const { metafile, outputFiles } = await build({
  stdin: { contents: program, resolveDir: folder },
  bundle: true,
  minify: true,
  format: 'esm',
  conditions: ['browser'],
  metafile: true,
  write: false,
  outdir: folder,
});
const [output] = Object.values(metafile.outputs);
const carried = Object.entries(output.inputs)
  .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  .map(([file]) => file.replace(/.*node_modules\/fettle\/dist\//, ''));
const unwanted = carried.filter((file) =>
  /^(nn|optim|data|io|compress|train|cli|index\.js|tensor\.js)|^ops\/(matmul|conv|pool|softmax|loss|norm|sheet)/.test(
    file,
  ),
);
assert.deepEqual(unwanted, [], 'nothing comes along that is not used');
assert.doesNotMatch(outputFiles[0].text, /"(softmax|matmul|tanh|erf)"/, 'ops that are not used are dropped');

const kilobytes = gzipSync(outputFiles[0].contents, { level: 9 }).length / 1000;
assert.ok(kilobytes <= BUDGET, `the bundle has ${kilobytes} kB compressed, the budget is ${BUDGET}`);
console.log(`two ops, bundled: ${kilobytes.toFixed(1)} kB compressed of ${BUDGET}`);
