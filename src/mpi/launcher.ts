/** What mpirun, srun and their like tell the processes they start, before MPI itself has begun. */

/** Text by name, as a process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a launcher says about this process. */
export interface Launch {
  /** Who started it: what stands in messages. */
  readonly by: 'Open MPI' | 'MPICH' | 'Slurm';
  readonly rank: number;
  readonly size: number;
  /** Its number among the ranks of the same machine, and how many those are; null where the launcher does not say. */
  readonly localRank: number | null;
  readonly localSize: number | null;
}

/** Where each launcher says it: Open MPI's mpirun, MPICH's Hydra and others that speak PMI, and Slurm's srun. */
const LAUNCHERS: readonly { by: Launch['by']; names: readonly [string, string, string, string] }[] = [
  {
    by: 'Open MPI',
    names: ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_SIZE'],
  },
  { by: 'MPICH', names: ['PMI_RANK', 'PMI_SIZE', 'MPI_LOCALRANKID', 'MPI_LOCALNRANKS'] },
  // Slurm also sets these for a batch script that runs once: what makes a step of many tasks is the step's own number.
  { by: 'Slurm', names: ['SLURM_PROCID', 'SLURM_STEP_NUM_TASKS', 'SLURM_LOCALID', 'SLURM_STEP_TASKS_PER_NODE'] },
];

/** What further launchers leave behind, whose numbers MPI itself will tell: PMIx, MVAPICH, Cray's two, IBM's and Flux. */
const SIGNS = [
  'PMIX_RANK',
  'PMI_RANK',
  'PMI_FD',
  'PMI_PORT',
  'MV2_COMM_WORLD_RANK',
  'PALS_RANKID',
  'ALPS_APP_PE',
  'JSM_NAMESPACE_RANK',
  'FLUX_TASK_RANK',
];

function numberIn(text: string | undefined): number | null {
  // Tasks of each node come as "4(x2),3": without more ado only where there is one number.
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The environment of this process; empty in browsers. */
export function environment(): Environment {
  return typeof process === 'object' ? (process.env ?? {}) : {};
}

/** What started this process as one of several ranks; null for a program that was started by itself. */
export function launchedBy(env: Environment = environment()): Launch | null {
  for (const { by, names } of LAUNCHERS) {
    const [rank, size, localRank, localSize] = names.map((name) => numberIn(env[name]));
    if (rank == null || size == null) continue;
    return { by, rank, size, localRank: localRank ?? null, localSize: localSize ?? null };
  }
  return null;
}

/** Whether this process is one of several that a launcher of MPI programs has started, or may be. */
export function isLaunched(env: Environment = environment()): boolean {
  return launchedBy(env) !== null || SIGNS.some((name) => env[name] !== undefined);
}
