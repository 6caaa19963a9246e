/** fettle/io: safetensors, checkpoints, npy and npz. */
export {
  type Checkpoint,
  type LoadedCheckpoint,
  loadCheckpoint,
  parseCheckpoint,
  saveCheckpoint,
  serializeCheckpoint,
} from './checkpoint.js';
export { loadNpy, parseNpy, saveNpy, serializeNpy } from './npy.js';
export { loadNpz, type NpzOptions, type NpzReadOptions, parseNpz, saveNpz, serializeNpz } from './npz.js';
export { type Loaded, loadFile, type NamedTensors, parse, saveFile, serialize } from './safetensors.js';
