/** The same for browsers, of which the build makes one file that imports nothing and has its binaries within. */
import { serveParallel } from './serve.js';

serveParallel();
