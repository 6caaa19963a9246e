/**
 * Writes `#binary` for each kind of runtime, dist/runtime/binary.{node,web,workerd}.js, and the modules of single parts
 * beside them. The names of files stand in them as literals, because that is the form in which bundlers find files to
 * carry along; and a part that has to be fetched or imported has a module of its own, because a bundler leaves out modules
 * that are not used, but not what a module does when it is loaded.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parts, variants } from './parts.mjs';

/** The parts that the methods of tensors need, which are all but those of functions elsewhere. */
const methodParts = parts.filter((part) => !['optimizers', 'quantized', 'sparse', 'image'].includes(part));

/** Where the build puts the decoder of JPEGs (scripts/vendor.mjs). */
const DECODER = '../vendor/mozjpeg_dec.wasm';

/** @param {string} part */
const files = (part) =>
  `{ ${variants.map((v) => `'${v}': () => new URL('./${part}.${v}.wasm', import.meta.url)`).join(', ')} }`;

/**
 * The modules and their texts.
 *
 * @returns {Record<string, string>}
 */
function modules() {
  /** @type {(kind: string) => string[]} */
  const single = (kind) => parts.map((part) => `export { ${part} } from './${part}.${kind}.js';`);
  /** @type {Record<string, string>} */
  const texts = {
    'runtime/binary.node.js': lines(
      "import { loadTurbo, part, read } from './load.node.js';",
      "export { ahead, fetchVariant } from './load.node.js';",
      'export const turboBinary = () => loadTurbo(',
      "  { private: () => new URL('./turbo.wasm', import.meta.url), shared: () => new URL('./turbo-shared.wasm', import.meta.url) },",
      ');',
      "export const poolBinary = () => read(new URL('./pool.wasm', import.meta.url));",
      `export const jpegBinary = async () => read(new URL('${DECODER}', import.meta.url));`,
      ...parts.map((p, i) => `export const ${p} = /* @__PURE__ */ part('${p}', ${i}, ${files(p)});`),
    ),
    // What begins to fetch stands first, and so runs before any part is awaited.
    'runtime/binary.web.js': lines(
      "export { ahead } from './ahead.web.js';",
      ...single('web'),
      "export { jpegBinary } from './jpeg.web.js';",
      "export { fetchVariant, poolBinary, turboBinary } from './load.web.js';",
    ),
    'runtime/binary.workerd.js': lines(
      ...single('workerd'),
      // Another module, which is imported by those who decode: nobody else carries the decoder.
      "export const jpegBinary = async () => (await import('./jpeg.workerd.js')).decoder;",
      "export { ahead, fetchVariant, poolBinary, turboBinary } from './load.workerd.js';",
    ),
    'runtime/jpeg.web.js': lines(
      "import { compile } from './load.web.js';",
      `export const jpegBinary = () => compile(new URL('${DECODER}', import.meta.url));`,
    ),
    'runtime/jpeg.workerd.js': `export { default as decoder } from '${DECODER}';\n`,
    'runtime/ahead.web.js': lines(
      "import { begin } from './load.web.js';",
      `import { ${methodParts.join(', ')} } from './files.web.js';`,
      `const begun = begin([${methodParts.join(', ')}]);`,
      // A function without a body would be left out, and what the module does with it.
      'export const ahead = () => begun;',
    ),
    'runtime/files.web.js': lines(...parts.map((p) => `export const ${p} = ${files(p)};`)),
  };
  for (const [i, p] of parts.entries()) {
    texts[`runtime/${p}.web.js`] = lines(
      "import { part } from './load.web.js';",
      `import { ${p} as files } from './files.web.js';`,
      `export const ${p} = await part('${p}', ${i}, files);`,
    );
    texts[`runtime/${p}.workerd.js`] = lines(
      "import { part } from './load.workerd.js';",
      `import relaxed from './${p}.relaxed.wasm';`,
      `import strict from './${p}.strict.wasm';`,
      `export const ${p} = /* @__PURE__ */ part('${p}', ${i}, strict, relaxed);`,
    );
  }
  return texts;
}

/** @param {string[]} all */
const lines = (...all) => `${all.join('\n')}\n`;

/**
 * Writes them into the folder `dist`.
 *
 * @param {string} dist
 */
export function writeBinaries(dist) {
  // The one that the compiler made is that of the source tree.
  for (const extension of ['js', 'd.ts']) rmSync(join(dist, `runtime/binary.node.${extension}`), { force: true });
  for (const [name, text] of Object.entries(modules())) writeFileSync(join(dist, name), text);
}
