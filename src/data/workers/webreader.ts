/**
 * The same for browsers. The build makes one file of it that imports nothing and has its binaries within (scripts/single.mjs):
 * workers know no import maps, and a bundler that carries it along needs no settings for modules that await others.
 */
import * as data from '../index.js';
import { serveLoader } from './serve.js';

serveLoader({ ...data, ...data.transforms });
