/** What export.mjs makes: a network as a program of its own. */
export declare function load(source?: WebAssembly.Module): Promise<void>;
export declare function predict(image: readonly number[]): Float32Array;
