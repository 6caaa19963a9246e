/** What typedoc makes of the sources, put in order: names, headings, the data sheets of ops, and nothing twice. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Comment, CommentTag, Converter, KindRouter, ReflectionKind } from 'typedoc';
import { root } from '../stages.mjs';
import { chapterOf } from './chapters.mjs';

/**
 * @typedef {import('typedoc').DeclarationReflection} Declaration
 * @typedef {import('../sheets.mjs').Sheet} Sheet
 * @typedef {{ title: string, group: string, address: string }} Page  a Markdown page, the heading it stands under, its place
 */

/** @type {(text: string) => import('typedoc').CommentDisplayPart[]} */
const words = (text) => [{ kind: 'text', text }];

/** The comment of a declaration, which for a function is that of its first signature. @type {(one: Declaration) => Comment} */
function commentOf(one) {
  const holder = one.signatures?.[0] ?? one;
  holder.comment ??= new Comment();
  return holder.comment;
}

/** Says what the sheet of an op says. @type {(one: Declaration, sheet: Sheet) => void} */
function document(one, { doc, dtypes, differentiable }) {
  const facts = `Checked in ${dtypes.join(', ')}${differentiable.some(Boolean) ? ', with first and second derivatives' : '; it has no gradient'}.`;
  for (const signature of one.signatures ?? []) {
    signature.comment ??= new Comment();
    if (signature.comment.summary.length === 0) signature.comment.summary = words(doc);
    signature.comment.summary.push(...words(`\n\n_${facts}_`));
  }
}

/** The file that declares it, relative to src/. @type {(one: Declaration) => string} */
const fileOf = (one) => one.sources?.[0]?.fullFileName.split('/src/').at(-1) ?? '';

/** Where a member is declared. @type {(one: Declaration) => string} */
function placeOf(one) {
  const source = (one.sources ?? one.signatures?.[0]?.sources)?.[0];
  return `${source?.fullFileName}:${source?.line}`;
}

/**
 * A layer is a Module: its page links there, and tells what is its own. What comes from a class that has no page stays.
 *
 * @param {import('typedoc').ProjectReflection} project
 */
function removeInherited(project) {
  const members = /** @type {Declaration[]} */ (project.getReflectionsByKind(ReflectionKind.ClassMember));
  const inherited = members.filter(
    (one) => one.inheritedFrom !== undefined && one.parent?.kindOf(ReflectionKind.Class),
  );
  const told = new Set(members.filter((one) => one.inheritedFrom === undefined).map(placeOf));
  for (const one of inherited) if (told.has(placeOf(one))) project.removeReflection(one);
}

/** @type {(one: Declaration) => void} */
function chapter(one) {
  const isType = one.kindOf(ReflectionKind.Interface | ReflectionKind.TypeAlias);
  const heading = chapterOf(fileOf(one), one.name, isType);
  if (heading !== undefined) commentOf(one).blockTags.push(new CommentTag('@category', words(heading)));
}

/**
 * Shows each program that a line links to under that line.
 *
 * @param {import('typedoc').DocumentReflection} document
 */
function showPrograms(document) {
  document.content = document.content.map((part, i, parts) => {
    const link = parts[i - 1];
    const program = link?.kind === 'relative-link' ? /examples\/[\w-]+\.mjs$/.exec(link.text)?.[0] : undefined;
    if (program === undefined) return part;
    const code = readFileSync(join(root, program), 'utf8');
    return { ...part, text: part.text.replace(')', `)\n\n\`\`\`js\n${code}\`\`\`\n`) };
  });
}

/** Pages keep their addresses when their titles change. @type {(pages: readonly Page[]) => typeof KindRouter} */
const routerOf = (pages) =>
  class extends KindRouter {
    /** @override @param {import('typedoc').Reflection} one */
    getIdealBaseName(one) {
      const page = one.isDocument() ? pages.find(({ title }) => title === one.name) : undefined;
      return page?.address ?? super.getIdealBaseName(one);
    }
  };

/**
 * @param {import('typedoc').Application} app
 * @param {Map<string, Sheet>} sheets
 * @param {readonly Page[]} pages
 */
export function shape(app, sheets, pages) {
  app.renderer.defineRouter('site', routerOf(pages));
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const title = /^# (.+)$/m.exec(document.content[0]?.text ?? '')?.[1];
    document.name = title ?? document.name;
    showPrograms(document);
    document.frontmatter.group = pages.find((page) => page.title === title)?.group;
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const modules = /** @type {Declaration[]} */ (project.getReflectionsByKind(ReflectionKind.Module));
    for (const module of modules) {
      module.comment ??= new Comment();
      module.comment.blockTags.push(new CommentTag('@group', words('API')));
    }
    removeInherited(project);
    const tensor = modules.flatMap((module) => module.children ?? []).find(({ name }) => name === 'Tensor');
    const functions = /** @type {Declaration[]} */ (project.getReflectionsByKind(ReflectionKind.Function));
    /** @type {Map<string, string>} */
    const files = new Map(functions.map((one) => [one.name, fileOf(one)]));
    for (const one of functions) {
      // The sheet itself is for tests and scripts.
      for (const property of one.children ?? []) if (property.name === 'op') project.removeReflection(property);
      const sheet = sheets.get(one.name);
      if (sheet !== undefined && fileOf(one).startsWith('ops/')) document(one, sheet);
      const original = one.name.endsWith('_') ? files.get(one.name.slice(0, -1)) : undefined;
      const comment = commentOf(one);
      if (original !== undefined && comment.summary.length === 0)
        comment.summary = words(`As \`${one.name.slice(0, -1)}\`, into its first argument, which it returns.`);
    }
    for (const module of modules) module.children?.forEach(chapter);
    for (const method of tensor?.children ?? []) {
      const file = method.name.endsWith('_') ? 'tensor/' : files.get(method.name);
      const heading = chapterOf(file ?? fileOf(method), method.name, false);
      if (heading !== undefined) commentOf(method).blockTags.push(new CommentTag('@category', words(heading)));
    }
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    // "Defined in" tells the file and the line; which page of which host shows it, the site does not know.
    for (const one of Object.values(project.reflections)) {
      if (one.isDeclaration() || one.isSignature()) for (const source of one.sources ?? []) source.url = undefined;
    }
  });
}
