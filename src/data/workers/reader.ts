/** The module that a loader's threads run, with all that fettle/data has to make datasets and transforms of. */
import * as data from '../index.js';
import { serveLoader } from './serve.js';

await serveLoader({ ...data, ...data.transforms });
