import { fail } from '../core/errors.js';
import type { Joining } from '../parallel/communicator.js';
import type { Kind } from '../parallel/region.js';
import type { ForeignFunction, ForeignLibrary, Loader } from './foreign.node.js';
import type { Environment, Launch } from './launcher.js';

/**
 * MPI prescribes a library's functions and leaves open what its handles are. Two families are left: Open MPI, where a handle is
 * the address of an object in the library, and MPICH (with Intel MPI, MVAPICH and Cray's), where it is a number that all of them
 * have agreed on (MPICH ABI Compatibility Initiative). Their headers say both.
 */
export type Flavour = 'Open MPI' | 'MPICH';

/** What stands for a communicator, a type or an operation. */
export type Handle = bigint | number;

/** A loaded MPI: its functions, and its constants as addresses or numbers. */
export interface Mpi {
  readonly flavour: Flavour;
  /** What MPI_Get_library_version says, first line. */
  readonly version: string;
  /** Where it was loaded from. */
  readonly file: string;
  readonly world: Handle;
  readonly inPlace: bigint;
  readonly statusIgnore: bigint;
  /** The error handler that lets calls return. */
  readonly errorsReturn: Handle;
  readonly types: Readonly<Record<Kind, Handle>>;
  readonly ops: Readonly<Record<Joining, Handle>>;
  readonly call: Readonly<Record<Name, ForeignFunction>>;
}

/** Parameters of the functions that are used: m memory, a address, h handle, i int. */
const FUNCTIONS = {
  MPI_Get_library_version: 'mm',
  MPI_Initialized: 'm',
  MPI_Finalized: 'm',
  MPI_Init_thread: 'aaim',
  MPI_Finalize: '',
  MPI_Abort: 'hi',
  MPI_Comm_rank: 'hm',
  MPI_Comm_size: 'hm',
  MPI_Comm_dup: 'hm',
  MPI_Comm_set_errhandler: 'hh',
  MPI_Error_string: 'imm',
  MPI_Iallreduce: 'amihhhm',
  MPI_Ibcast: 'mihihm',
  MPI_Iallgather: 'mihmihhm',
  MPI_Ibarrier: 'hm',
  MPI_Test: 'mma',
} as const;

type Name = keyof typeof FUNCTIONS;

/** MPICH's numbers. */
const MPICH = {
  world: 0x44000000,
  inPlace: -1n,
  statusIgnore: 1n,
  errorsReturn: 0x54000001,
  types: {
    float32: 0x4c00040a,
    float64: 0x4c00080b,
    int8: 0x4c000137,
    int16: 0x4c000238,
    int32: 0x4c000439,
    uint8: 0x4c00013b,
    uint16: 0x4c00023c,
    uint32: 0x4c00043d,
    bool: 0x4c00013b,
  },
  ops: { max: 0x58000001, min: 0x58000002, sum: 0x58000003, product: 0x58000004 },
} as const;

/** Open MPI's names. */
const OPEN_MPI = {
  world: 'ompi_mpi_comm_world',
  errorsReturn: 'ompi_mpi_errors_return',
  types: {
    float32: 'ompi_mpi_float',
    float64: 'ompi_mpi_double',
    int8: 'ompi_mpi_int8_t',
    int16: 'ompi_mpi_int16_t',
    int32: 'ompi_mpi_int32_t',
    uint8: 'ompi_mpi_uint8_t',
    uint16: 'ompi_mpi_uint16_t',
    uint32: 'ompi_mpi_uint32_t',
    bool: 'ompi_mpi_uint8_t',
  },
  ops: { max: 'ompi_mpi_op_max', min: 'ompi_mpi_op_min', sum: 'ompi_mpi_op_sum', product: 'ompi_mpi_op_prod' },
} as const;

/** Where the libraries usually are, of the systems that people run MPI on; plain names are found as the system finds them. */
const FILES: Readonly<Record<Flavour, readonly string[]>> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.40.dylib', '/opt/homebrew/opt/open-mpi/lib/libmpi.dylib', 'libmpi.so.80'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi_cray.so.12', '/opt/homebrew/opt/mpich/lib/libmpi.dylib'],
};

/** What has both, as the system's own choice. */
const EITHER = ['libmpi.so', 'libmpi.dylib'];

/** The environment variable that names the library. */
export const LIBRARY_VARIABLE = 'FETTLE_MPI_LIBRARY';

/** Files to try, in order: those of the launcher's own MPI first, since another MPI would make each rank a world of its own. */
export function candidates(launch: Launch | null, env: Environment): readonly string[] {
  const named = env[LIBRARY_VARIABLE];
  if (named !== undefined && named !== '') return [named];
  const first: Flavour = launch?.by === 'MPICH' ? 'MPICH' : 'Open MPI';
  const second: Flavour = first === 'MPICH' ? 'Open MPI' : 'MPICH';
  // Slurm starts either, and says with PMIx that it means Open MPI.
  const order = launch?.by === 'Slurm' && env.PMIX_RANK === undefined && env.PMI_RANK !== undefined ? 'MPICH' : null;
  return order === 'MPICH'
    ? [...FILES.MPICH, ...FILES['Open MPI'], ...EITHER]
    : [...FILES[first], ...FILES[second], ...EITHER];
}

/** Loads the first MPI there is. */
export function loadMpi(load: Loader, launch: Launch | null, env: Environment): Mpi {
  const files = candidates(launch, env);
  for (const file of files) {
    const library = load(file);
    if (library !== null) return readMpi(library, file);
  }
  const named = env[LIBRARY_VARIABLE];
  return fail(
    'unsupported',
    named !== undefined && named !== ''
      ? `mpi: ${LIBRARY_VARIABLE} is ${named}, which cannot be loaded. Give the full path of libmpi.so or libmpich.so.`
      : 'mpi: there is no MPI library on this machine. Install Open MPI or MPICH (apt-get install openmpi-bin, dnf install ' +
          `openmpi, brew install open-mpi), or say where it is: ${LIBRARY_VARIABLE}=/path/to/libmpi.so.`,
  );
}

function readMpi(library: ForeignLibrary, file: string): Mpi {
  const flavour: Flavour = library.symbol(OPEN_MPI.world) === null ? 'MPICH' : 'Open MPI';
  // A handle is an address there, and a C int here.
  const kinds = { m: 'memory', a: 'address', i: 'int', h: flavour === 'MPICH' ? 'int' : 'address' } as const;
  const bind = (name: Name): ForeignFunction => {
    const letters = [...FUNCTIONS[name]] as (keyof typeof kinds)[];
    return library.func(
      name,
      letters.map((letter) => kinds[letter]),
    );
  };
  const call = Object.fromEntries((Object.keys(FUNCTIONS) as Name[]).map((name) => [name, bind(name)])) as Mpi['call'];
  const version = versionOf(call);
  if (flavour === 'MPICH') return { ...MPICH, flavour, version, file, call };
  const address = (name: string): bigint =>
    library.symbol(name) ?? fail('unsupported', `mpi: ${file} has no ${name}. It is no Open MPI that fettle knows.`);
  const all = <K extends string>(names: Readonly<Record<K, string>>): Record<K, bigint> =>
    Object.fromEntries(Object.entries<string>(names).map(([key, name]) => [key, address(name)])) as Record<K, bigint>;
  return {
    flavour,
    version,
    file,
    world: address(OPEN_MPI.world),
    inPlace: 1n,
    statusIgnore: 0n,
    errorsReturn: address(OPEN_MPI.errorsReturn),
    types: all(OPEN_MPI.types),
    ops: all(OPEN_MPI.ops),
    call,
  };
}

/** The most that the library says of itself: MPI_MAX_LIBRARY_VERSION_STRING of the largest. */
const LONGEST = 8192;

export function textFrom(bytes: Uint8Array, length: number): string {
  return new TextDecoder().decode(bytes.subarray(0, length)).replace(/\0.*$/s, '');
}

function versionOf(call: Mpi['call']): string {
  const bytes = new Uint8Array(LONGEST);
  const length = new Int32Array(1);
  call.MPI_Get_library_version(bytes, length);
  return (textFrom(bytes, length[0] as number).split('\n')[0] as string).trim();
}
