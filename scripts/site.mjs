/**
 * `npm run docs:site`: the documentation as a site of plain files, the guides of docs/guides beside the API of every entry point.
 *
 *   node scripts/site.mjs [FOLDER]    default: build/site
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSheets } from './sheets.mjs';
import { copySources } from './site/sources.mjs';
import { report, root, StageError, stage } from './stages.mjs';

/** The pages that are not of the API, in their order, by the heading they stand under. */
const pages = {
  Guides: inOrder('docs/guides', [
    'getting-started',
    'from-pytorch',
    'from-tensorflowjs',
    'data',
    'memory',
    'devices-and-threads',
    'webgpu',
    'compression',
    'deploying',
  ]),
  Reference: [
    ...inOrder('docs', ['OPS', 'ROADMAP']),
    'CHANGELOG.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'bench/NOTES.md',
  ],
};

/**
 * The pages of a folder: those that have a place first, then whatever else is there, but for the front page.
 *
 * @param {string} folder
 * @param {string[]} first
 */
function inOrder(folder, first) {
  const there = readdirSync(join(root, folder)).filter((file) => file.endsWith('.md') && file !== 'index.md');
  const listed = first.map((name) => `${name}.md`);
  return [...listed, ...there.filter((file) => !listed.includes(file)).sort()].map((file) => `${folder}/${file}`);
}

/** @type {{ version: string, exports: Record<string, string | { types: string }> }} */
const { version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The entry points that have modules of their own; those that hold all of them in one file are told of on the front page. */
function entryPoints() {
  return Object.fromEntries(
    Object.entries(exports).flatMap(([entry, target]) => {
      if (typeof target === 'string' || target.types.includes('/single/')) return [];
      return [[entry.replace('.', 'fettle'), target.types.replace('./dist/', 'src/').replace('.d.ts', '.ts')]];
    }),
  );
}

/**
 * @param {string} out
 * @returns {Promise<void>}
 */
async function site(out) {
  const { Application, LogLevel } = await import('typedoc');
  const { dress } = await import('./site/dress.mjs');
  const { shape } = await import('./site/shape.mjs');
  const { order } = await import('./site/chapters.mjs');
  const entries = entryPoints();
  const folder = join(root, 'build', `site-sources-${process.pid}`);
  try {
    copySources(folder, entries);
    const app = await Application.bootstrap({
      name: 'fettle',
      readme: join(root, 'docs/index.md'),
      entryPoints: Object.values(entries).map((file) => join(folder, file)),
      tsconfig: join(folder, 'tsconfig.json'),
      basePath: folder,
      displayBasePath: folder,
      projectDocuments: Object.values(pages)
        .flat()
        .map((file) => join(root, file)),
      logLevel: LogLevel.Error,
      // The type checker has its own turn; what is not exported is shown by its name.
      skipErrorChecking: true,
      validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
      excludePrivate: true,
      excludeProtected: true,
      excludeInternal: true,
      disableGit: true,
      sourceLinkTemplate: '{path}',
      customCss: join(root, 'docs/site/style.css'),
      favicon: join(root, 'docs/site/favicon.svg'),
      highlightLanguages: ['ts', 'js', 'json', 'sh', 'html', 'toml', 'css'],
      navigation: { includeCategories: true, includeGroups: true, includeFolders: false },
      categorizeByGroup: false,
      categoryOrder: order,
      groupOrder: [...Object.keys(pages), 'API', '*'],
      defaultCategory: 'Functions and classes',
      useFirstParagraphOfCommentAsSummary: true,
      sort: ['documents-first', 'alphabetical-ignoring-documents'],
      sortEntryPoints: false,
      searchInDocuments: true,
      searchInComments: false,
      hideGenerator: true,
      customFooterHtml: `fettle ${version} · Apache-2.0`,
      router: 'site',
      visibilityFilters: {},
      headings: { readme: false, document: false },
    });
    /** @type {import('./site/shape.mjs').Page[]} */
    const shaped = Object.entries(pages).flatMap(([group, files]) => files.map((file) => pageOf(file, group)));
    shape(app, await readSheets(), shaped);
    dress(app);
    const project = await app.convert();
    if (project === undefined) throw new StageError('typedoc could not read the sources');
    await app.generateDocs(project, out);
    if (app.logger.hasErrors()) throw new StageError('typedoc reported errors');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A page is called by its first heading, and its address by its file.
 *
 * @type {(file: string, group: string) => import('./site/shape.mjs').Page}
 */
const pageOf = (file, group) => ({
  group,
  title: /^# (.+)$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? file,
  address: `${group.toLowerCase()}/${basename(file, '.md').toLowerCase()}`,
});

await report(async () => {
  const out = process.argv[2] ?? join(root, 'build/site');
  await stage('building the documentation site', () => site(out));
  console.log(pathToFileURL(join(out, 'index.html')).href);
});
