import type { ForeignFunction } from '../../src/mpi/foreign.node.js';
import type { Mpi } from '../../src/mpi/library.js';

/** An MPI of one rank whose operations take a while: as many questions after them as `patience` says. */
export interface FakeMpi extends Mpi {
  /** MPI_Test says "not yet" so many times. */
  patience: number;
  /** What MPI_Test and the beginning of operations give; 0 is success. */
  code: number;
  /** Names of the functions in the order of their calls, without MPI_Test. */
  readonly calls: string[];
  /** What was given to those that begin an operation. */
  readonly given: unknown[][];
}

export function fakeMpi(): FakeMpi {
  const waits = new Map<unknown, number>();
  const begin =
    (name: string): ForeignFunction =>
    (...args) => {
      fake.calls.push(name);
      fake.given.push(args);
      if (fake.code === 0) waits.set(args[args.length - 1], fake.patience);
      return fake.code;
    };
  const call = {
    MPI_Iallreduce: begin('MPI_Iallreduce'),
    MPI_Ibcast: begin('MPI_Ibcast'),
    MPI_Iallgather: begin('MPI_Iallgather'),
    MPI_Ibarrier: begin('MPI_Ibarrier'),
    MPI_Finalize: begin('MPI_Finalize'),
    MPI_Test: (request: unknown, flag: unknown) => {
      const left = waits.get(request) ?? 0;
      waits.set(request, left - 1);
      (flag as Int32Array)[0] = Number(left <= 0);
      return fake.code;
    },
    MPI_Error_string: (_code: unknown, bytes: unknown, length: unknown) => {
      const text = new TextEncoder().encode('no route to rank 1');
      (bytes as Uint8Array).set(text);
      (length as Int32Array)[0] = text.length;
      return 0;
    },
  } as unknown as Mpi['call'];
  const types = {
    float32: 11,
    float64: 12,
    int8: 13,
    int16: 14,
    int32: 15,
    uint8: 16,
    uint16: 17,
    uint32: 18,
    bool: 19,
  };
  const fake: FakeMpi = {
    patience: 0,
    code: 0,
    calls: [],
    given: [],
    flavour: 'MPICH',
    version: 'a fake',
    file: 'nowhere',
    world: 1,
    inPlace: -1n,
    statusIgnore: 1n,
    errorsReturn: 2,
    types,
    ops: { sum: 21, product: 22, min: 23, max: 24 },
    call,
  };
  return fake;
}
