/**
 * Builds the scripts of `static/js`, their sizes and hashes.
 *
 * With `--check` it builds into a temporary folder instead and fails where the committed files differ or a budget is exceeded.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const committed = join(root, 'static', 'js');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Largest size of the served script in bytes after `gzip -9`. */
const BUDGET = 4000;
const SERVED = 'v1.min.js';
const RELEASE = join('releases', `v${version}.js`);

async function script(minify) {
  const result = await build({
    entryPoints: [join(root, 'plugin', 'src', 'main.ts')],
    bundle: true,
    write: false,
    minify,
    format: 'iife',
    target: 'es2020',
    // The script needs no strict mode, and its directive would only cost bytes.
    tsconfigRaw: {},
    // Host pages come in any encoding, so letters outside of ASCII are written as escapes.
    charset: 'ascii',
    define: { VERSION: JSON.stringify(version) },
    // A second tag on a page finds the instance of the first and does nothing.
    banner: { js: `${minify ? '' : `/*! Callease ${version} | MIT */\n`}window.callease?.version ||` },
    absWorkingDir: root,
  });
  return result.outputFiles[0].contents;
}

function measured(content) {
  return {
    bytes: content.length,
    // The command and not zlib, whose figure changes with the version of Node.
    gzip: execFileSync('gzip', ['-9', '-n', '-c'], { input: content }).length,
    integrity: `sha384-${createHash('sha384').update(content).digest('base64')}`,
  };
}

async function buildInto(folder) {
  const served = await script(true);
  const files = { 'v1.js': await script(false), [SERVED]: served, [RELEASE]: served };
  const sizes = { version, files: {} };
  mkdirSync(join(folder, 'releases'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    sizes.files[name] = measured(content);
  }
  writeFileSync(join(folder, 'SIZES.json'), `${JSON.stringify(sizes, null, 2)}\n`);
  return sizes;
}

function differences(built) {
  const names = readdirSync(built, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(built, join(entry.parentPath ?? entry.path, entry.name)));
  return names.flatMap((name) => {
    let old;
    try {
      old = readFileSync(join(committed, name));
    } catch {
      return [`static/js/${name} is missing: run npm run build`];
    }
    if (old.equals(readFileSync(join(built, name)))) return [];
    if (name === RELEASE) {
      return [
        `static/js/${name} differs from the build: a changed script needs a new version in package.json`,
      ];
    }
    return [`static/js/${name} differs from the build: run npm run build`];
  });
}

async function check() {
  const folder = mkdtempSync(join(tmpdir(), 'callease-'));
  try {
    const { gzip } = (await buildInto(folder)).files[SERVED];
    const faults = differences(folder);
    if (gzip > BUDGET)
      faults.push(`static/js/${SERVED} has ${gzip} bytes after gzip -9, the budget is ${BUDGET}`);
    for (const fault of faults) console.error(fault);
    if (faults.length) process.exitCode = 1;
    else
      console.log(
        `static/js is what plugin/src builds; ${SERVED} has ${gzip} of ${BUDGET} bytes after gzip -9`,
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv.includes('--check')) {
  await check();
} else {
  const sizes = await buildInto(committed);
  console.table(sizes.files, ['bytes', 'gzip']);
}
