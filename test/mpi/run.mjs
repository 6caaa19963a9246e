/**
 * fettle under mpirun: exchange, training that equals one process's, ranks that die or hang, two hosts. Open MPI and MPICH, and each
 * runtime that is there. Not part of `npm test`, since it takes an MPI; where there is none, it says so and is done.
 *
 *   node test/mpi/run.mjs [--consumer DIR] [--only "openmpi,node"] [--install]
 *
 * DIR is a folder in which the package is installed, as a user has it; without it one is made. `--only` names what to take of
 * openmpi, mpich, node, deno, bun, ranks, hosts. With `--install` an MPI that is missing is installed by apt-get.
 */
import { equal, match, ok } from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: { consumer: { type: 'string' }, only: { type: 'string' }, install: { type: 'boolean' } },
});
const only = options.only?.split(',');
/** @param {string} name */
const isWanted = (name) => only === undefined || only.includes(name);

/**
 * @typedef {object} Launcher
 * @property {string} name
 * @property {string} command
 * @property {string} library   what the other MPI would be mistaken for
 * @property {string[]} flags
 * @property {string} variable  tells a rank its number
 */

/** @type {Launcher[]} */
const LAUNCHERS = [
  {
    name: 'openmpi',
    command: 'mpirun.openmpi',
    library: 'libmpi.so.40',
    flags: ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
    variable: 'OMPI_COMM_WORLD_RANK',
  },
  { name: 'mpich', command: 'mpirun.mpich', library: 'libmpich.so.12', flags: [], variable: 'PMI_RANK' },
];

/** @param {string} command */
const isThere = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** @returns {Launcher[]} */
function launchers() {
  const missing = LAUNCHERS.filter(({ command }) => !isThere(command));
  if (missing.length > 0 && options.install) {
    const apt =
      'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openmpi-bin mpich iproute2';
    spawnSync('sh', ['-c', apt], { stdio: 'ignore' });
  }
  return LAUNCHERS.filter(({ name, command }) => isWanted(name) && isThere(command));
}

/**
 * How each runtime runs a program; those that are not on this machine are looked for where test/runtimes/ keeps them.
 *
 * @returns {{ name: string, words: string[] }[]}
 */
function runtimes() {
  /** @type {(name: string) => string} */
  const kept = (name) => join(root, 'build/runtimes', name, 'node_modules/.bin', name);
  const deno = existsSync(kept('deno')) ? kept('deno') : 'deno';
  const bun = existsSync(kept('bun')) ? kept('bun') : 'bun';
  return [
    { name: 'node', words: [process.execPath] },
    { name: 'deno', words: [deno, 'run', '-A'] },
    { name: 'bun', words: [bun] },
  ].filter(({ name, words }) => isWanted(name) && (name === 'node' || isThere(String(words[0]))));
}

const work = mkdtempSync(join(tmpdir(), 'fettle-mpi-'));
/** @type {(name: string) => string} */
const place = (name) => join(work, name);

/** A folder with the package and koffi in it. */
function consumer() {
  const given = options.consumer;
  const folder = given ?? place('consumer');
  const npm = (/** @type {string[]} */ ...args) =>
    execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (given === undefined) {
    npm('pack', root, '--pack-destination', work);
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz'));
    execFileSync('mkdir', [folder]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }\n');
    npm('install', '--prefix', folder, join(work, String(archive)));
  }
  if (!existsSync(join(folder, 'node_modules/koffi'))) npm('install', '--prefix', folder, 'koffi');
  for (const name of readdirSync(join(here, 'programs')))
    copyFileSync(join(here, 'programs', name), join(folder, name));
  return folder;
}

/**
 * Starts a command; its output is gathered. Nothing that it starts outlives `seconds`.
 *
 * @param {string[]} words
 * @param {{ cwd: string, env?: Record<string, string>, seconds?: number }} options
 */
function start(words, { cwd, env = {}, seconds = 120 }) {
  const [command, ...args] = words;
  const child = spawn(String(command), args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = { text: '', done: Promise.resolve(/** @type {number | null} */ (0)) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      run.text += text;
    });
  }
  const timer = setTimeout(() => {
    run.text += `\n(killed after ${seconds} s)\n`;
    child.kill('SIGKILL');
  }, seconds * 1000);
  run.done = new Promise((resolve) =>
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    }),
  );
  return run;
}

/**
 * Runs a command to its end, which must be a good one, and gives what it printed.
 *
 * @param {string[]} words
 * @param {{ cwd: string, env?: Record<string, string>, seconds?: number }} options
 */
async function finish(words, options) {
  const run = start(words, options);
  const code = await run.done;
  ok(code === 0, `${words.join(' ')} ended with ${code}:\n${run.text}`);
  return run.text;
}

/**
 * The processes whose environment has all of these.
 *
 * @param {string[]} settings
 */
function processesWith(...settings) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return settings.every((setting) => env.includes(setting));
    } catch {
      return false;
    }
  });
}

/** @param {() => boolean} isSo */
async function until(isSo, what = 'something', seconds = 60) {
  for (let waited = 0; !isSo(); waited += 50) {
    ok(waited < seconds * 1000, `waited ${seconds} s for ${what}`);
    await sleep(50);
  }
}

/**
 * The largest difference between two files of float32.
 *
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  const [x, y] = [a, b].map((name) => new Float32Array(new Uint8Array(readFileSync(name)).buffer));
  ok(x !== undefined && y !== undefined && x.length > 0 && x.length === y.length);
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(y[i]))), 0);
}

let passed = 0;
/** @type {(name: string, body: () => unknown) => Promise<void>} */
async function test(name, body) {
  const began = performance.now();
  try {
    await body();
  } catch (error) {
    console.error(`✗ ${name}`);
    throw error;
  }
  passed++;
  console.log(`✓ ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

/**
 * All that is done with one MPI.
 *
 * @param {Launcher} launcher
 * @param {string} cwd
 */
async function testLauncher({ name, command, flags, variable }, cwd) {
  /** @type {(n: number, words: string[], more?: string[]) => string[]} */
  const ranks = (n, words, more = []) => [command, ...flags, ...more, '-n', String(n), ...words];
  for (const { name: runtime, words } of runtimes()) {
    await test(`${name}, ${runtime}: every operation, on 3 ranks and 1`, async () => {
      for (const n of [3, 1]) {
        const said = await finish(ranks(n, [...words, 'collective.mjs']), { cwd });
        equal(said.match(/rank \d of \d is right/g)?.length, n, said);
      }
    });
    await test(`${name}, ${runtime}: 3 ranks train as one process does`, async () => {
      const [one, three] = [place(`${name}-${runtime}-1`), place(`${name}-${runtime}-3`)];
      await finish([...words, 'overlap.mjs', one], { cwd });
      await finish(ranks(3, [...words, 'overlap.mjs', three]), { cwd });
      ok(distance(one, three) < 1e-6, `weights differ by ${distance(one, three)}`);
    });
  }
  if (!isWanted('node')) return;

  const fettle = [process.execPath, 'node_modules/fettle/dist/node/cli/main.js', 'train', '--model', 'lenet-300-100'];
  /** @type {(out: string, epochs: number, ...more: string[]) => string[]} */
  const train = (out, epochs, ...more) => [...fettle, '--epochs', String(epochs), '--json', '-o', out, ...more];
  /** @type {(text: string) => { event: string, loss?: number, validation?: number, test?: number }[]} */
  const events = (text) =>
    text
      .split(/\r?\n/)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  /** @type {(text: string) => number[]} */
  const losses = (text) => events(text).flatMap(({ event, loss }) => (event === 'epoch' ? [Number(loss)] : []));
  /** @type {(a: number[], b: number[]) => void} */
  const alike = (a, b) => {
    equal(a.length, b.length);
    a.forEach((value, i) => {
      ok(Math.abs(value - Number(b[i])) < 1e-3, `losses ${a} and ${b}`);
    });
  };
  const whole = await finish(train(place('whole'), 4), { cwd });
  equal(losses(whole).length, 4, whole);

  await test(`${name}: fettle train --distributed gives the losses of one process, on 2 and 4 ranks`, async () => {
    for (const n of [2, 4]) {
      const said = await finish(ranks(n, train(place(`${name}-${n}`), 4, '--distributed')), { cwd });
      alike(losses(said), losses(whole));
      equal(events(said).filter(({ event }) => event === 'result').length, 1);
    }
  });

  await test(`${name}: a rank is killed; the others end, and 2 ranks go on where 4 stopped`, async () => {
    const out = place(`${name}-killed`);
    const mark = `FETTLE_TEST=${name}-${process.pid}`;
    const run = start(ranks(4, train(out, 4, '--distributed')), { cwd, env: Object.fromEntries([mark.split('=')]) });
    await until(() => existsSync(`${out}.checkpoint`), 'the first checkpoint');
    const [victim] = processesWith(mark, `${variable}=2`).map(Number);
    ok(victim !== undefined, 'there is no rank 2');
    process.kill(victim, 'SIGKILL');
    const code = await run.done;
    ok(code !== 0 && code !== null, `${code}`);
    match(run.text, /if one dies, --resume goes on/);
    // MPICH's launcher kills the others at once, or a layer below MPI gives up first: then that alone is said.
    match(run.text, name === 'mpich' ? /BAD TERMINATION/ : /rank \d of 4: stopped by SIGTERM.*--resume/);
    await until(() => processesWith(mark).length === 0, 'the other ranks to end', 15);
    const before = losses(run.text);
    ok(before.length < 4, run.text);
    const rest = await finish(ranks(2, train(out, 4, '--distributed', '--resume')), { cwd });
    const after = losses(rest);
    ok(after.length > 0 && after.length < 4, rest);
    alike(after, losses(whole).slice(-after.length));
    ok(!existsSync(`${out}.checkpoint`), 'the checkpoint is left');
  });

  await test(`${name}: a rank hangs; the others say so and end`, async () => {
    const out = place(`${name}-hung`);
    const mark = `FETTLE_TEST=hung-${name}-${process.pid}`;
    const options = { cwd, env: Object.fromEntries([mark.split('=')]) };
    const run = start(ranks(3, train(out, 40, '--distributed', '--timeout', '3')), options);
    await until(() => existsSync(`${out}.checkpoint`), 'the first checkpoint');
    const [victim] = processesWith(mark, `${variable}=1`).map(Number);
    ok(victim !== undefined, 'there is no rank 1');
    process.kill(victim, 'SIGSTOP');
    const code = await run.done;
    ok(code !== 0, `${code}`);
    match(run.text, /rank \d of 3: \w+( of [\d.]+ \w+)?: rank \d of 3 has waited 3 s for the others/);
    for (const pid of processesWith(mark)) process.kill(Number(pid), 'SIGKILL');
  });

  await test(`${name}: what cannot work says why`, async () => {
    const other = LAUNCHERS.find((one) => one.name !== name);
    if (other !== undefined && isThere(other.command)) {
      const mixed = start(ranks(2, [process.execPath, 'collective.mjs']), {
        cwd,
        env: { FETTLE_MPI_LIBRARY: other.library },
      });
      ok((await mixed.done) !== 0);
      match(mixed.text, /started 2 ranks, and .* knows of 1: the launcher belongs to another MPI|MPI_Init/);
    }
    const none = start(ranks(1, [process.execPath, 'collective.mjs']), {
      cwd,
      env: { FETTLE_MPI_LIBRARY: '/none.so' },
    });
    ok((await none.done) !== 0);
    match(none.text, /FETTLE_MPI_LIBRARY is \/none.so, which cannot be loaded/);
    const wrong = start(ranks(2, train(place('wrong'), 1, '--distributed', '--data', 'csv:nowhere.csv')), { cwd });
    ok((await wrong.done) !== 0);
    match(wrong.text, /fettle: rank \d of 2: nowhere.csv: cannot be read/);
  });
}

/**
 * Two network namespaces as two hosts, which only a network joins.
 *
 * @param {Launcher} launcher
 * @param {string} cwd
 */
async function testHosts({ name, command, flags }, cwd) {
  const [a, b] = ['a', 'b'].map((letter) => `fettle-${letter}-${process.pid}`);
  const [va, vb] = ['a', 'b'].map((letter) => `fv${letter}${process.pid}`.slice(0, 15));
  const ip = (/** @type {string} */ line) => execFileSync('ip', line.split(' '), { stdio: 'pipe' });
  const clean = () => {
    for (const host of [a, b]) spawnSync('ip', ['netns', 'delete', String(host)]);
  };
  try {
    for (const host of [a, b]) ip(`netns add ${host}`);
    ip(`link add ${va} type veth peer name ${vb}`);
    for (const [host, end, address] of [
      [a, va, '10.77.31.1/24'],
      [b, vb, '10.77.31.2/24'],
    ]) {
      ip(`link set ${end} netns ${host} name wire`);
      ip(`-n ${host} addr add ${address} dev wire`);
      ip(`-n ${host} link set wire up`);
      ip(`-n ${host} link set lo up`);
    }
  } catch (error) {
    clean();
    console.log(
      `- ${name}: two hosts: left out, since this machine makes no network namespaces (${String(error).split('\n')[0]})`,
    );
    return;
  }
  // What stands for ssh: a shell in the namespace that has the address.
  const agent = place(`agent-${name}`);
  writeFileSync(
    agent,
    `#!/bin/sh\nwhile [ "\${1#-}" != "$1" ]; do shift; done\nhost=$1; shift\ncase $host in 10.77.31.1) ns=${a};; *) ns=${b};; esac\n` +
      'exec ip netns exec $ns sh -c "$*"\n',
  );
  chmodSync(agent, 0o755);
  const network = '10.77.31.0/24';
  const hosts =
    name === 'openmpi'
      ? [
          ...['--host', '10.77.31.1:2,10.77.31.2:2', '--mca', 'plm_rsh_agent', agent, '--mca', 'btl', 'tcp,self'],
          ...['--mca', 'btl_tcp_if_include', network, '--mca', 'oob_tcp_if_include', network],
        ]
      : [
          ...['-launcher', 'ssh', '-launcher-exec', agent, '-hosts', '10.77.31.1:2,10.77.31.2:2'],
          // Layers below MPI that see one machine would go through its memory.
          ...['-genv', 'MPIR_CVAR_NOLOCAL', '1', '-genv', 'UCX_TLS', 'tcp,self', '-genv', 'UCX_NET_DEVICES', 'wire'],
        ];
  try {
    await test(`${name}: two hosts, 2 ranks on each`, async () => {
      const bytes = () =>
        Number(execFileSync('ip', ['netns', 'exec', String(a), 'cat', `/sys/class/net/wire/statistics/tx_bytes`]));
      const before = bytes();
      const words = ['ip', 'netns', 'exec', String(a), command, ...flags, ...hosts, '-n', '4', process.execPath];
      const run = start([...words, join(cwd, 'overlap.mjs')], { cwd, env: { FETTLE_TEST_TIMEOUT: '5000' } });
      const code = await run.done;
      // MPICH's MPI_Finalize waits for ever in many runs on UCX's TCP, in programs in C too (docs/distributed.md).
      if (name === 'mpich' && code !== 0) match(run.text, /rank \d of 4 has waited 5 s for MPI_Finalize of MPICH/);
      else equal(code, 0, run.text);
      match(run.text, /4 ranks have the same weights/);
      // Eight steps of 1.6 MB went over the wire between them, at least once.
      ok(bytes() - before > 8e6, `${bytes() - before} bytes went over the network`);
    });
  } finally {
    clean();
  }
}

const found = launchers();
if (found.length === 0) {
  console.log('skipped: there is no MPI on this machine (apt-get install openmpi-bin mpich)');
} else {
  try {
    const cwd = consumer();
    for (const launcher of found) {
      if (isWanted('ranks')) await testLauncher(launcher, cwd);
      if (!isWanted('hosts')) continue;
      if (process.getuid?.() === 0 && isThere('ip')) await testHosts(launcher, cwd);
      else console.log(`- ${launcher.name}: two hosts: left out, which takes root and the command ip`);
    }
    console.log(`${passed} passed`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
