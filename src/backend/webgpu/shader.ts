import type { Launch } from '../../core/device.js';
import type { Chip } from './executor.js';
import type { Pass } from './pass.js';

/** How a kernel is carried out on a GPU: the passes that a launch of it takes, one behind another. */
export type Shader = (launch: Launch, chip: Chip) => Pass | readonly Pass[];

/** The shaders of a family, by the names of their kernels. */
export type Shaders = Readonly<Record<string, Shader>>;
