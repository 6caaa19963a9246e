// A program that uses two ops carries two ops. Bundles it as a consumer would, and looks at what came along; bench/size.mjs
// says what that weighs.
//
//   node .ci/check-bundle.mjs FOLDER    a folder in which the package is installed
import assert from 'node:assert/strict';
import { bundle, gzipped, TWO_OPS } from '../bench/size/bundles.mjs';

/** Kilobytes of JavaScript, compressed, beside the .wasm: the engine, tensors, the tape, and little else. */
const BUDGET = 15;

const { metafile, outputFiles } = await bundle(TWO_OPS, process.argv[2]);
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

const kilobytes = gzipped(outputFiles[0].contents) / 1000;
assert.ok(kilobytes <= BUDGET, `the bundle has ${kilobytes} kB compressed, the budget is ${BUDGET}`);
console.log(`two ops, bundled: ${kilobytes.toFixed(1)} kB compressed of ${BUDGET}`);
