/**
 * `#binary` in the source tree: the parts of the binary, in the order of their places, and what else depends on the runtime.
 * assembly/parts/ lists their kernels. From this list the build makes dist/runtime/binary.*.js, one for each kind of runtime
 * (scripts/binary.mjs); there a part is a module of its own where it has to be fetched or imported.
 */
import { type Files, loadTurbo, part, read } from './load.node.js';
import type { Binary } from './variant.js';

export { ahead, fetchVariant } from './load.node.js';

// The build leaves the binaries in build/. This module alone knows, and is not shipped: bundlers look for files that are named.
const inBuild = (name: string): URL => new URL(`../../build/${name}.wasm`, import.meta.url);

const built: Files = {
  strict: (name) => inBuild(`${name}.strict`),
  relaxed: (name) => inBuild(`${name}.relaxed`),
  'strict-shared': (name) => inBuild(`${name}.strict-shared`),
  'relaxed-shared': (name) => inBuild(`${name}.relaxed-shared`),
};

export const turboBinary = (): ((shared: boolean) => Binary) | string =>
  loadTurbo({ private: () => inBuild('turbo'), shared: () => inBuild('turbo-shared') });

/** What shares launches among threads. */
export const poolBinary = (): Binary => read(inBuild('pool'));

/** MozJPEG's decoder, which is shipped in dist/vendor/ beside its JavaScript. */
export const jpegBinary = async (): Promise<Binary> =>
  read(new URL('../../node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm', import.meta.url));

/** What every program needs. Its kernels are named by strings alone. */
export const core = /* @__PURE__ */ part('core', 0, built);
export const selection = /* @__PURE__ */ part('selection', 1, built);
export const numerics = /* @__PURE__ */ part('numerics', 2, built);
export const functions = /* @__PURE__ */ part('functions', 3, built);
export const activation = /* @__PURE__ */ part('activation', 4, built);
export const reduction = /* @__PURE__ */ part('reduction', 5, built);
export const indexing = /* @__PURE__ */ part('indexing', 6, built);
export const convolution = /* @__PURE__ */ part('convolution', 7, built);
export const pooling = /* @__PURE__ */ part('pooling', 8, built);
export const normalization = /* @__PURE__ */ part('normalization', 9, built);
export const attention = /* @__PURE__ */ part('attention', 10, built);
export const recurrent = /* @__PURE__ */ part('recurrent', 11, built);
export const optimizers = /* @__PURE__ */ part('optimizers', 12, built);
export const random = /* @__PURE__ */ part('random', 13, built);
export const signal = /* @__PURE__ */ part('signal', 14, built);
export const quantized = /* @__PURE__ */ part('quantized', 15, built);
export const sparse = /* @__PURE__ */ part('sparse', 16, built);
export const image = /* @__PURE__ */ part('image', 17, built);
