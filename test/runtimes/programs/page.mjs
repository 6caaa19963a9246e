// In a page: leaves what the checks found where the test looks for it.
import { library } from './installed.mjs';
import * as network from './lenet5.js';
import { smoke } from './smoke.mjs';
import { predicts } from './standalone.mjs';

const all = async () => {
  const found = await smoke(library, { threads: crossOriginIsolated });
  return { ...found, ...(await predicts(network)) };
};

Object.assign(globalThis, { results: all() });
