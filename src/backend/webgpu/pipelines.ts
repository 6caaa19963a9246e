import type { Program } from './executor.js';

/** Stage bit, by the name that WebGPU gives it: the globals that hold it are not there on every runtime. */
const COMPUTE = 4;

/** A program, compiled. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Bytes of uniforms. */
  readonly bytes: number;
  /** Bind groups by the numbers of their buffers. */
  readonly groups: Map<string, GPUBindGroup>;
}

/** Called when a program has been compiled: its kernel, how many there are now, and how many are still being compiled. */
export type OnCompile = (kernel: string, count: number, waiting: number) => void;

/** What is known of a program: compiled, refused by the driver, or neither as yet. */
type Known = Pipeline | 'refused' | 'coming';

/**
 * Compiles programs in the background, all that are asked for at once. Nobody waits but the commands that need them, which the
 * executor holds back.
 */
export class Pipelines {
  private readonly known = new Map<number, Known>();
  private readonly layouts = new Map<string, { layout: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  private waiting = 0;
  private count = 0;

  constructor(
    private readonly device: GPUDevice,
    /** Called when a program that was asked for is there, or never will be. */
    private readonly onSettled: () => void,
    /** Called with what the driver says of a program that it refuses. */
    private readonly onRefused: (message: string) => void,
    private readonly onCompile?: OnCompile,
  ) {}

  /** Whether nothing has to wait for a program: it has been compiled, or refused. */
  isSettled(id: number): boolean {
    const known = this.known.get(id);
    return known !== undefined && known !== 'coming';
  }

  /** Sees to it that a program is being compiled. */
  ask(program: Program): void {
    if (this.known.has(program.id)) return;
    this.known.set(program.id, 'coming');
    this.waiting++;
    const { layout, bytes, descriptor, module } = this.described(program);
    this.device.createComputePipelineAsync(descriptor).then(
      (pipeline) => this.settle(program, { pipeline, layout, bytes, groups: new Map() }),
      async (error: Error) => {
        // The module's own messages say where it is wrong; the pipeline's only that the module is.
        const messages = (await module.getCompilationInfo?.())?.messages.filter(({ type }) => type === 'error') ?? [];
        const text = messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`).join('; ');
        this.onRefused(`${program.name}: ${text || error.message}`);
        this.settle(program, 'refused');
      },
    );
  }

  /** The program, for which the driver is waited if it is not there yet; null if it has been refused. */
  now(program: Program): Pipeline | null {
    const known = this.known.get(program.id);
    if (known === 'refused') return null;
    if (known !== undefined && known !== 'coming') return known;
    const { layout, bytes, descriptor } = this.described(program);
    const made = { pipeline: this.device.createComputePipeline(descriptor), layout, bytes, groups: new Map() };
    // One that is on its way will find this in its place.
    if (known === undefined) this.waiting++;
    this.settle(program, made);
    return made;
  }

  private settle({ id, name }: Program, made: Pipeline | 'refused'): void {
    if (this.isSettled(id)) return;
    this.known.set(id, made);
    this.waiting--;
    if (made !== 'refused') this.onCompile?.(name, ++this.count, this.waiting);
    this.onSettled();
  }

  private described({ name, code, words, access }: Program): {
    readonly layout: GPUBindGroupLayout;
    readonly bytes: number;
    readonly module: GPUShaderModule;
    readonly descriptor: GPUComputePipelineDescriptor;
  } {
    const bytes = Math.ceil(words / 4) * 16;
    const { layout, pipeline } = this.layoutOf(access, bytes);
    const module = this.device.createShaderModule({ label: name, code });
    const descriptor = { label: name, layout: pipeline, compute: { module, entryPoint: 'main' } };
    return { layout, bytes, module, descriptor };
  }

  /** The layout of a program's bindings. It says how many bytes of numbers there are, so that it is not asked at every dispatch. */
  private layoutOf(
    access: Program['access'],
    bytes: number,
  ): { layout: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = `${bytes} ${access}`;
    const known = this.layouts.get(key);
    if (known !== undefined) return known;
    const layout = this.device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: bytes } },
        ...access.map(
          (use, i): GPUBindGroupLayoutEntry => ({
            binding: i + 1,
            visibility: COMPUTE,
            buffer: { type: use === 'read' ? 'read-only-storage' : 'storage' },
          }),
        ),
      ],
    });
    const made = { layout, pipeline: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }) };
    this.layouts.set(key, made);
    return made;
  }
}
