/** The module that threads of DataParallel and parallelMap run. */
import { serveParallel } from './serve.js';

await serveParallel();
