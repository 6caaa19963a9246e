// Looks at the documentation site in Chromium, as a reader who has nothing but the folder, and as one behind a server.
//
//   node .ci/check-site.mjs FOLDER [PICTURES]    screenshots of some pages go to PICTURES
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withChromium } from '../test/runtimes/chromium.mjs';
import { serve } from './serve.mjs';

const [folder, pictures] = process.argv.slice(2);
const root = resolve(folder);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
const pages = files.filter((file) => file.endsWith('.html'));
const text = new Map(pages.map((page) => [join(root, page), readFileSync(join(root, page), 'utf8')]));

/** Every link leads to a file that is there, and to a place in it; nothing is asked of another host. */
function checkLinks() {
  const ids = new Map(
    [...text].map(([file, html]) => [file, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id))]),
  );
  const broken = [];
  const foreign = [];
  let links = 0;
  for (const [file, html] of text) {
    for (const [, element, attribute, escaped] of html.matchAll(/<(\w+)[^>]*?\s(href|src)="([^"]*)"/g)) {
      const link = escaped.replaceAll('&amp;', '&');
      if (/^(https?:)?\/\//.test(link)) {
        // A reader may follow a link to another site; a page may not fetch from one.
        if (element !== 'a' || attribute !== 'href') foreign.push(`${relative(root, file)}: ${link}`);
        continue;
      }
      // Drawings of icons are put into the page by a script.
      if (/^(data:|mailto:|#icon-)/.test(link)) continue;
      links++;
      const [path, anchor] = link.split('#');
      const target = path === '' ? file : resolve(dirname(file), decodeURIComponent(path));
      const places = ids.get(target);
      if (!existsSync(target)) broken.push(`${relative(root, file)} → ${link}`);
      else if (anchor && places !== undefined && !places.has(decodeURIComponent(anchor))) {
        broken.push(`${relative(root, file)} → ${link} (no such place)`);
      }
    }
  }
  for (const style of files.filter((file) => file.endsWith('.css'))) {
    if (/@import|url\(["']?(https?:)?\/\//.test(readFileSync(join(root, style), 'utf8'))) foreign.push(style);
  }
  assert.deepEqual(broken.slice(0, 20), [], `${broken.length} broken links`);
  assert.deepEqual(foreign, [], 'everything comes from the site itself');
  return links;
}

/** The file of a request, if it is within the site. */
function fileOf(path) {
  const file = join(root, decodeURIComponent(path));
  return file.startsWith(root) && extname(file) !== '' ? file : '';
}

/** What reaches beyond the right edge of the window, and what of it the reader could not scroll to. */
const TOO_WIDE = `(() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > wide + 0.5)
    .slice(0, 5)
    .map((one) => one.tagName + '.' + one.className + ': ' + one.textContent.slice(0, 60));
})()`;

/** Text that does not stand out from what is behind it by the 4.5 of WCAG 2.2, 1.4.3, or 3 where it is large. */
const TOO_PALE = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      known.set(color, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(color);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 200) return color;
    }
    return rgba(getComputedStyle(document.documentElement).getPropertyValue('--color-background'));
  };
  const pale = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(), seen = 0; node !== null && seen < 4000; node = walker.nextNode()) {
    const one = node.parentElement;
    if (node.textContent.trim() === '' || /^(SCRIPT|STYLE)$/.test(one.tagName) || !one.checkVisibility({ opacityProperty: true })) continue;
    seen++;
    const { color, fontSize, fontWeight } = getComputedStyle(one);
    const [a, b] = [light(rgba(color)), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24);
    if (ratio < (large ? 3 : 4.5)) pale.add(ratio.toFixed(2) + ' ' + one.tagName + '.' + one.className + ' ' + color + ': ' + node.textContent.trim().slice(0, 30));
  }
  return [...pale].slice(0, 8);
})()`;

const LOOKED_AT = [
  'index.html',
  ...pages.filter((page) => /^(guides|reference)[\\/]/.test(page)).map((page) => page.replaceAll('\\', '/')),
  'modules/fettle.html',
  'modules/fettle_compress.html',
  'functions/fettle.matmul.html',
  'classes/fettle.Tensor.html',
  'classes/fettle_nn.Conv2d.html',
  'classes/fettle_data.DataLoader.html',
  'interfaces/fettle_compress.PrunerOptions.html',
];

async function look(open, base) {
  const failures = [];
  const backgrounds = new Set();
  for (const path of LOOKED_AT) {
    const { call, evaluate, problems } = await open(`${base}/${path}`);
    for (const width of [1440, 390]) {
      await call('Emulation.setDeviceMetricsOverride', {
        width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: width < 500,
      });
      for (const scheme of ['light', 'dark']) {
        await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
        const name = `${path} (${width}, ${scheme})`;
        for (const wide of scheme === 'light' ? await evaluate(TOO_WIDE) : [])
          failures.push(`${name} is too wide: ${wide}`);
        for (const pale of width === 1440 ? await evaluate(TOO_PALE) : [])
          failures.push(`${name} is too pale: ${pale}`);
        backgrounds.add(await evaluate('getComputedStyle(document.body).backgroundColor'));
        if (pictures !== undefined) {
          const { data } = await call('Page.captureScreenshot', {});
          writeFileSync(
            join(pictures, `${path.replaceAll('/', '-')}-${width}-${scheme}.png`),
            Buffer.from(data, 'base64'),
          );
        }
      }
    }
    failures.push(...problems.map((problem) => `${path}: ${problem}`));
    await call('Page.close');
  }
  assert.deepEqual(failures, []);
  assert.equal(backgrounds.size, 2, 'light and dark differ');
}

/** The search works on files alone. */
async function search(open) {
  const { call, evaluate, problems } = await open(pathToFileURL(join(root, 'index.html')).href);
  const found = await evaluate(`(async () => {
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    document.querySelector('#tsd-search-trigger').click();
    const input = document.querySelector('#tsd-search-input');
    for (let i = 0; i < 100; i++) {
      await wait(100);
      input.value = 'matmul';
      input.dispatchEvent(new Event('input', { bubbles: true }));
      await wait(100);
      const links = [...document.querySelectorAll('#tsd-search-results a')].map((link) => link.getAttribute('href'));
      if (links.length > 0) return links;
    }
    return [];
  })()`);
  assert.ok(
    found.some((link) => link.endsWith('functions/fettle.matmul.html')),
    `search for matmul found ${found.join(', ')}`,
  );
  if (pictures !== undefined) {
    const { data } = await call('Page.captureScreenshot', {});
    writeFileSync(join(pictures, 'search.png'), Buffer.from(data, 'base64'));
  }
  assert.deepEqual(problems, [], 'opened as a file');
}

const links = checkLinks();
await withChromium(async (open) => {
  await serve(fileOf, (url) => look(open, url.slice(0, -1)));
  await search(open);
});
console.log(
  `${pages.length} pages, ${links} links; ${LOOKED_AT.length} looked at, wide and narrow, light and dark; search finds matmul`,
);
