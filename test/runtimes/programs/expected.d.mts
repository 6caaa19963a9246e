/** What export.mjs writes: an image, and what the model said of it. */
export declare const image: readonly number[];
export declare const scores: readonly number[];
