/** fettle/mpi: a Collective over the ranks that mpirun, srun or the like have started. */
export { type Environment, isLaunched, type Launch, launchedBy } from './launcher.js';
export { initProcessGroup, type ProcessGroup, type ProcessGroupOptions } from './processgroup.node.js';
