import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { Communicator, type Transport } from '../parallel/communicator.js';
import { soleTransport } from '../parallel/inprocess.js';
import { nodeProcessors } from '../runtime/worker.node.js';
import { foreignLoader } from './foreign.node.js';
import { environment, isLaunched, type Launch, launchedBy } from './launcher.js';
import { LIBRARY_VARIABLE, loadMpi, type Mpi } from './library.js';
import { MpiTransport } from './transport.js';
import { LAST_WORDS } from './watch.node.js';

export interface ProcessGroupOptions {
  /** What carries the messages; there is one. */
  readonly backend?: 'mpi';
  /**
   * Milliseconds after which an operation for which the others have not come is an error. It has to be longer than the longest
   * that one rank does alone, such as writing a checkpoint. Default 600 000, ten minutes.
   */
  readonly timeout?: number;
}

/** The same by position, as PyTorch takes them; options may follow. */
export type ProcessGroupArguments = [backend?: 'mpi' | ProcessGroupOptions, options?: ProcessGroupOptions];

const USUAL_TIMEOUT = 600_000;

/** MPI_THREAD_FUNNELED: there may be threads, and the one that began makes all calls. */
const FUNNELED = 1;

/** The ranks that a launcher has started, as a Collective. */
export class ProcessGroup extends Communicator {
  constructor(
    rank: number,
    size: number,
    transport: Transport,
    /** This rank's number among those of its machine, and how many they are; null where the launcher does not say. */
    readonly localRank: number | null,
    readonly localSize: number | null,
    /** The MPI that carries the messages; null for the only rank of a program that runs by itself. */
    readonly library: string | null,
    private readonly kill: (code: number) => void,
  ) {
    super(rank, size, transport);
  }

  /**
   * Ends all ranks at once with an exit code: for a rank that cannot go on, and for which the others would wait. A program whose
   * error is caught by nobody does this by itself.
   */
  abort(code = 1): never {
    this.kill(code);
    return process.exit(code);
  }
}

/** The group of this process. MPI can be begun once, so that there is no second. */
let group: Promise<ProcessGroup> | null = null;

/**
 * Joins the ranks that mpirun, srun or the like have started, and gives this one's Collective; called again, the same. A program
 * that was started by itself is the only rank of a group of one, and needs no MPI.
 *
 * On Node this takes the package koffi beside fettle; Deno takes --allow-ffi and --allow-env. Open MPI and MPICH (Intel MPI,
 * MVAPICH) are found where the system has them, that of the launcher first; `FETTLE_MPI_LIBRARY` names another.
 *
 * When the process ends, MPI is ended with it: in good order after `close()` or an exit code of 0, and for all ranks at once after
 * an error that nobody has caught.
 */
export function initProcessGroup(...given: ProcessGroupArguments): Promise<ProcessGroup> {
  const { backend = 'mpi', timeout = USUAL_TIMEOUT } = readArguments<ProcessGroupOptions>('initProcessGroup', given, [
    'backend',
    'timeout',
  ]);
  if (backend !== 'mpi') {
    fail(
      'argument',
      `initProcessGroup: the backend is 'mpi', got '${String(backend)}'. inProcess(n) makes ranks without MPI.`,
    );
  }
  if (!(timeout > 0)) fail('argument', `initProcessGroup: timeout must be milliseconds > 0, got ${String(timeout)}.`);
  group ??= begin(timeout).catch((error: unknown) => {
    group = null;
    throw error;
  });
  return group;
}

async function begin(timeout: number): Promise<ProcessGroup> {
  const env = environment();
  if (!isLaunched(env)) {
    return new ProcessGroup(0, 1, soleTransport(), 0, 1, null, () => {});
  }
  const launch = launchedBy(env);
  // UCX, which may carry MPI's messages, rewrites mmap, munmap and sbrk in place to know of freed memory, while the engine's own
  // threads are within them: a crash at some later collection. Without that it keeps no registrations of memory.
  process.env.UCX_MEM_EVENTS ??= 'n';
  const mpi = loadMpi(await foreignLoader(), launch, env);
  const { call, world } = mpi;
  const number = new Int32Array(2);
  const ask = (what: string, code: number): number => {
    if (code !== 0) fail('state', `mpi: ${what} failed with code ${code} (${mpi.version}, ${mpi.file}).`);
    return number[0] as number;
  };
  if (ask('MPI_Initialized', call.MPI_Initialized(number)) !== 0) {
    if (ask('MPI_Finalized', call.MPI_Finalized(number)) !== 0) {
      fail('state', 'initProcessGroup: MPI has been ended in this process and cannot be begun again.');
    }
  } else ask('MPI_Init_thread', call.MPI_Init_thread(0n, 0n, FUNNELED, number));
  const rank = ask('MPI_Comm_rank', call.MPI_Comm_rank(world, number));
  const size = ask('MPI_Comm_size', call.MPI_Comm_size(world, number));
  checkWorld(mpi, launch, size);
  // A communicator of its own, so that no message of the program's is taken for one of these.
  const handle = new BigInt64Array(1);
  ask('MPI_Comm_dup', call.MPI_Comm_dup(world, handle));
  const comm = mpi.flavour === 'MPICH' ? (new Int32Array(handle.buffer)[0] as number) : (handle[0] as bigint);
  ask('MPI_Comm_set_errhandler', call.MPI_Comm_set_errhandler(comm, mpi.errorsReturn));

  const crowded = (launch?.localSize ?? 1) > nodeProcessors();
  const transport = new MpiTransport({ mpi, comm, rank, size, timeout, crowded });
  const kill = (code: number): void => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS);
    call.MPI_Abort(world, code);
  };
  process.on('exit', (code) => {
    // After a signal the launcher ends the others, and an abort would only add to what is printed.
    if (transport.isEnded || code > 128) return;
    if (code === 0 && transport.isSound) transport.finalize();
    else kill(code || 1);
  });
  const { localRank = null, localSize = null } = launch ?? {};
  return new ProcessGroup(rank, size, transport, localRank, localSize, mpi.version, kill);
}

/** An MPI that the launcher does not know makes each process a world of its own. */
function checkWorld({ version, file }: Mpi, launch: Launch | null, size: number): void {
  if (launch === null || launch.size === size) return;
  fail(
    'state',
    `mpi: ${launch.by} started ${launch.size} ranks, and ${version} (${file}) knows of ${size}: the launcher belongs to another ` +
      `MPI. Start with the mpirun of the same MPI, or name the launcher's library: ${LIBRARY_VARIABLE}=/path/to/libmpi.so.`,
  );
}
