import { FettleError, memory, tensor, zeros } from 'fettle';
import { initProcessGroup, isLaunched, launchedBy } from 'fettle/mpi';
import { describe, expect, it } from 'vitest';
import { currentDevice } from '../../src/backend/current.js';
import type { WasmDevice } from '../../src/backend/wasm.js';
import type { ForeignLibrary, Loader } from '../../src/mpi/foreign.node.js';
import { candidates, loadMpi } from '../../src/mpi/library.js';
import { MpiTransport } from '../../src/mpi/transport.js';
import { Communicator } from '../../src/parallel/communicator.js';
import { type FakeMpi, fakeMpi } from './fake.js';

const OPEN_MPI = {
  OMPI_COMM_WORLD_RANK: '3',
  OMPI_COMM_WORLD_SIZE: '8',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  OMPI_COMM_WORLD_LOCAL_SIZE: '2',
};
const MPICH = { PMI_RANK: '0', PMI_SIZE: '4', MPI_LOCALRANKID: '0', MPI_LOCALNRANKS: '4' };
const SLURM = { SLURM_PROCID: '5', SLURM_STEP_NUM_TASKS: '16', SLURM_LOCALID: '1', SLURM_STEP_TASKS_PER_NODE: '4(x4)' };

describe('what a launcher says', () => {
  it('is read before MPI begins', () => {
    expect(launchedBy(OPEN_MPI)).toEqual({ by: 'Open MPI', rank: 3, size: 8, localRank: 1, localSize: 2 });
    expect(launchedBy(MPICH)).toEqual({ by: 'MPICH', rank: 0, size: 4, localRank: 0, localSize: 4 });
    expect(launchedBy(SLURM)).toEqual({ by: 'Slurm', rank: 5, size: 16, localRank: 1, localSize: null });
    // srun with MPICH's interface sets both.
    expect(launchedBy({ ...SLURM, PMI_RANK: '5', PMI_SIZE: '16' })?.by).toBe('MPICH');
  });

  it('is nothing for a program by itself, or a batch script that is no step of several tasks', () => {
    expect(launchedBy({})).toBeNull();
    expect(launchedBy({ SLURM_PROCID: '0', SLURM_NTASKS: '16' })).toBeNull();
    expect(isLaunched({ SLURM_PROCID: '0', SLURM_NTASKS: '16' })).toBe(false);
    expect(launchedBy({ OMPI_COMM_WORLD_RANK: 'x', OMPI_COMM_WORLD_SIZE: '2' })).toBeNull();
    // Those whose numbers only MPI knows.
    expect(isLaunched({ PALS_RANKID: '1' })).toBe(true);
  });

  it('says which MPI to try first', () => {
    expect(candidates(launchedBy(OPEN_MPI), OPEN_MPI)[0]).toBe('libmpi.so.40');
    expect(candidates(launchedBy(MPICH), MPICH)[0]).toBe('libmpich.so.12');
    expect(candidates(null, {})).toContain('libmpi.so');
    expect(candidates(null, { FETTLE_MPI_LIBRARY: '/opt/libmpi.so' })).toEqual(['/opt/libmpi.so']);
  });
});

describe('an MPI library', () => {
  const version = (text: string) => (bytes: unknown, length: unknown) => {
    (bytes as Uint8Array).set(new TextEncoder().encode(text));
    (length as Int32Array)[0] = text.length;
    return 0;
  };
  const library = (symbols: string[], said: string): ForeignLibrary => ({
    symbol: (name) => (symbols.includes(name) || symbols.includes('*') ? 0x1000n : null),
    func: (name, parameters) => {
      if (name === 'MPI_Comm_rank') handles.push(parameters[0] as string);
      return (name === 'MPI_Get_library_version' ? version(said) : () => 0) as never;
    },
  });
  let handles: string[] = [];

  it('is known by what it defines, and called as it wants', () => {
    handles = [];
    const tried: string[] = [];
    const load: Loader = (file) => {
      tried.push(file);
      return file === 'libmpich.so.12' ? library([], 'MPICH Version: 4\nmore') : null;
    };
    const mpich = loadMpi(load, launchedBy(OPEN_MPI), {});
    expect([mpich.flavour, mpich.version, mpich.file]).toEqual(['MPICH', 'MPICH Version: 4', 'libmpich.so.12']);
    expect(tried[0]).toBe('libmpi.so.40');
    expect(mpich.world).toBe(0x44000000);
    const open = loadMpi(() => library(['*'], 'Open MPI v5'), null, {});
    expect([open.flavour, open.world, open.inPlace]).toEqual(['Open MPI', 0x1000n, 1n]);
    expect(handles).toEqual(['int', 'address']);
  });

  it('that is not there is an error that says what to install', () => {
    expect(() => loadMpi(() => null, null, {})).toThrow(/Install Open MPI or MPICH.*FETTLE_MPI_LIBRARY/s);
    expect(() => loadMpi(() => null, null, { FETTLE_MPI_LIBRARY: '/x.so' })).toThrow('/x.so, which cannot be loaded');
    const half = library(['ompi_mpi_comm_world'], 'Open MPI');
    expect(() => loadMpi(() => half, null, {})).toThrow('has no ompi_mpi_errors_return');
  });
});

describe('operations under way', () => {
  const groupOn = (mpi: FakeMpi, timeout = 60_000): Communicator =>
    new Communicator(0, 2, new MpiTransport({ mpi, comm: 5, rank: 0, size: 2, timeout, crowded: false }));

  it('work where the data lie, and keep their promises when MPI is done', async () => {
    const mpi = fakeMpi();
    mpi.patience = 500;
    const group = groupOn(mpi);
    const x = tensor([1, 2, 3]).narrow(0, 1, 2);
    const doing = group.allReduce(x, 'avg');
    const [, view, count, type, op] = mpi.given[0] as [bigint, Float32Array, number, number, number];
    expect([count, type, op]).toEqual([2, 11, 21]);
    expect(view.buffer).toBe((currentDevice() as WasmDevice).engine.u8.buffer);
    view[0] = 10;
    await doing;
    expect(x.toArray()).toEqual([5, 1.5]);
    await Promise.all([group.broadcast(new Float64Array(3), 1), group.allGather(new Int8Array(2)), group.barrier()]);
    await group.allReduce(new Float32Array(0));
    await group.close();
    const begun = ['MPI_Iallreduce', 'MPI_Ibcast', 'MPI_Iallgather', 'MPI_Ibarrier', 'MPI_Ibarrier', 'MPI_Finalize'];
    expect(mpi.calls).toEqual(begun);
  });

  it('end before the heap moves', async () => {
    const mpi = fakeMpi();
    mpi.patience = 3;
    const group = groupOn(mpi);
    const { engine } = currentDevice() as WasmDevice;
    const x = tensor([1, 2]);
    const doing = group.allReduce(x);
    expect(engine.beforeMoving.size).toBe(1);
    const bytes = memory().heapBytes;
    zeros([bytes / 4]).dispose();
    expect(memory().heapBytes).toBeGreaterThan(bytes);
    expect(engine.beforeMoving.size).toBe(0);
    await doing;
  });

  it('break off when nobody comes, and say who waited for what', async () => {
    const mpi = fakeMpi();
    mpi.patience = Number.POSITIVE_INFINITY;
    const group = groupOn(mpi, 40);
    const data = new Float32Array(300);
    const told = await Promise.allSettled([group.allReduce(data), group.barrier()]);
    for (const one of told) {
      const { reason } = one as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(FettleError);
      expect(String(reason)).toMatch(/allReduce of 1.20 kB: rank 0 of 2 has waited 0 s for the others.*checkpoint/s);
    }
    await expect(group.barrier()).rejects.toThrow('has waited');
    // What is left of the group parts without waiting for anybody.
    await group.close();
    expect(mpi.calls).not.toContain('MPI_Finalize');
  });

  it('tell what MPI says', async () => {
    const mpi = fakeMpi();
    const group = groupOn(mpi);
    mpi.patience = 10;
    const doing = group.allReduce(new Float32Array(4));
    mpi.code = 17;
    await expect(doing).rejects.toThrow('MPICH failed on rank 0 of 2: no route to rank 1');
    await expect(groupOn(mpi).broadcast(new Float32Array(2))).rejects.toThrow('broadcast of 8 B: MPICH failed');
  });
});

describe('initProcessGroup', () => {
  it('is a group of one for a program by itself, which needs no MPI', async () => {
    const group = await initProcessGroup('mpi', { timeout: 1000 });
    expect(await initProcessGroup()).toBe(group);
    expect([group.rank, group.size, group.library]).toEqual([0, 1, null]);
    expect([...(await group.allReduce(new Float32Array([3])))]).toEqual([3]);
  });

  it('refuses other backends', () => {
    expect(() => initProcessGroup('gloo' as 'mpi')).toThrow("the backend is 'mpi', got 'gloo'");
    expect(() => initProcessGroup({ timeout: 0 })).toThrow('timeout must be milliseconds > 0');
    expect(() => initProcessGroup({ timeOut: 5 } as object)).toThrow('Did you mean timeout?');
  });
});
