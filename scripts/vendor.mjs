/**
 * Inlines the few packages that fettle ships, so that it depends on none: what dist/ uses of each becomes a module in
 * dist/vendor/, and the imports are turned towards it.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { build } from 'esbuild';
import { importsOf } from './imports.mjs';
import { root } from './stages.mjs';

/** The development dependencies that src/ may import at run time. NOTICE gives their licences. */
export const inlined = [
  '@assemblyscript/loader',
  // The decoder alone: the package's own modules lead to the encoder too.
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.js',
  'comlink',
  'd3-array',
  'd3-scale',
  'd3-shape',
  'jpeg-js/lib/decoder.js',
];

/** @param {string} name */
const fileOf = (name) => `${name.replace('@', '').replace(/\.js$/, '').replaceAll('/', '-')}.js`;

/**
 * MozJPEG's decoder is two files. The JavaScript is told where the other is by its caller, so what it does to find it by
 * itself goes, and with it what it would add to the global object: bundlers could not follow the one, and programs would see
 * the other.
 */
const MOZJPEG = '@jsquash/jpeg/codec/dec/mozjpeg_dec';

/** @type {import('esbuild').Plugin} */
const withoutGlobals = {
  name: 'mozjpeg',
  setup({ onLoad }) {
    onLoad({ filter: /codec[\\/]dec[\\/]mozjpeg_dec\.js$/ }, ({ path }) => {
      let text = readFileSync(path, 'utf8');
      for (const [what, instead] of /** @type {const} */ ([
        [/const isServiceWorker=.*?(?=var moduleOverrides=)/s, ''],
        ['new URL("mozjpeg_dec.wasm",import.meta.url).href', '""'],
        ['var _scriptDir = import.meta.url;', 'var _scriptDir = "";'],
        // Files go in byte by byte, which takes a twentieth of the time of decoding them.
        ['for(var i=0;i<length;++i){HEAPU8[ptr+i]=value[i]}', 'HEAPU8.set(value,ptr)'],
      ])) {
        const next = text.replace(what, instead);
        if (next === text) throw new Error(`${path} has changed: ${what} is not in it`);
        text = next;
      }
      return { contents: text, loader: 'js' };
    });
  },
};

/**
 * Rewrites modules of the folder `dist` in place.
 *
 * @param {string} dist
 * @param {string[]} files  relative to it, with forward slashes
 */
export async function vendor(dist, files) {
  /** @type {Map<string, Set<string>>} */
  const used = new Map();

  for (const file of files.filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(join(dist, file), 'utf8');
    let rewritten = text;
    // From the last to the first, so that the places of those before stay right.
    for (const { from, start, end, names } of importsOf(file, text).reverse()) {
      if (!inlined.includes(from)) continue;
      used.set(from, new Set([...(used.get(from) ?? []), ...names]));
      const to = posix.relative(posix.dirname(file), `vendor/${fileOf(from)}`);
      rewritten = `${rewritten.slice(0, start)}'${to.startsWith('.') ? to : `./${to}`}'${rewritten.slice(end)}`;
    }
    if (rewritten !== text) writeFileSync(join(dist, file), rewritten);
  }
  if (used.size === 0) return;

  // One entry for each package lists what is used of it, so that the bundler leaves the rest out. The entries lie inside
  // the repository, where the packages are found.
  const entries = join(root, 'build', `vendor-${process.pid}`);
  try {
    mkdirSync(entries, { recursive: true });
    for (const [name, names] of used) {
      const listed = [...names].filter((each) => each !== '*').sort();
      const lines = [`export { ${listed.join(', ')} } from '${name}';\n`];
      if (names.has('*')) lines.push(`export * from '${name}';\n`);
      writeFileSync(join(entries, fileOf(name)), lines.join(''));
    }
    await build({
      entryPoints: [...used.keys()].map((name) => join(entries, fileOf(name))),
      outdir: join(dist, 'vendor'),
      bundle: true,
      splitting: true,
      format: 'esm',
      target: 'es2022',
      mainFields: ['module', 'main'],
      conditions: ['import'],
      chunkNames: 'shared-[hash]',
      legalComments: 'inline',
      logLevel: 'silent',
      plugins: [withoutGlobals],
    });
    if (used.has(`${MOZJPEG}.js`)) {
      copyFileSync(join(root, 'node_modules', `${MOZJPEG}.wasm`), join(dist, 'vendor/mozjpeg_dec.wasm'));
    }
  } finally {
    rmSync(entries, { recursive: true, force: true });
  }
}
