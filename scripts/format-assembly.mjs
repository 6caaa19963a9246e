/**
 * Formats assembly/ with the same formatter as everything else. AssemblyScript puts decorators on functions, which the
 * formatter's parser refuses, so they travel through it as comments.
 *
 *   node scripts/format-assembly.mjs            lists the files that are not formatted, and exits with 1 if there are any
 *   node scripts/format-assembly.mjs --write    formats them
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quietly, report, root, StageError } from './stages.mjs';

const ON_FUNCTION = /^@(inline|lazy|global|unsafe|builtin|external(?:\([^)\n]*\))?)(?=\s)/gm;
const AS_COMMENT = /^\/\*@(.*?)\*\//gm;

await report(async () => {
  const source = join(root, 'assembly');
  const aside = join(root, 'build', `format-${process.pid}`);
  const files = readdirSync(source).filter((file) => file.endsWith('.ts'));
  try {
    mkdirSync(aside, { recursive: true });
    for (const file of files) {
      writeFileSync(join(aside, file), readFileSync(join(source, file), 'utf8').replace(ON_FUNCTION, '/*@$1*/'));
    }
    // The folder lies in build/, which version control ignores and the formatter would skip.
    const options = ['format', '--write', '--vcs-enabled=false', '--config-path', root];
    await quietly(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), ...options, aside]);
    const changed = files.filter((file) => {
      const formatted = readFileSync(join(aside, file), 'utf8').replace(AS_COMMENT, '@$1');
      if (formatted === readFileSync(join(source, file), 'utf8')) return false;
      if (process.argv.includes('--write')) writeFileSync(join(source, file), formatted);
      return true;
    });
    if (changed.length > 0 && !process.argv.includes('--write')) {
      throw new StageError(
        `not formatted: ${changed.map((file) => `assembly/${file}`).join(', ')}. Run npm run format.`,
      );
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
});
