/**
 * A worker thread that compiles binaries, one for each message with a job and its output file. It stays for many, since the
 * compiler takes longer to warm up than to compile a part.
 */
import { parentPort } from 'node:worker_threads';
import asc from 'assemblyscript/asc';
import { argumentsOf } from './parts.mjs';

parentPort?.on('message', async ({ job, outFile }) => {
  const { error, stderr } = await asc.main(argumentsOf(job, outFile));
  parentPort?.postMessage(error === null ? null : `${job.name}: ${error.message}\n${stderr.toString()}`);
});
