// In a worker of a browser: sends what the checks found to the page.
import { library } from './installed.mjs';
import * as network from './lenet5.js';
import { smoke } from './smoke.mjs';
import { predicts } from './standalone.mjs';

postMessage({ ...(await smoke(library)), ...(await predicts(network)) });
