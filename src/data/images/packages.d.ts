/** What is used of packages that declare no types, or none that stand by themselves. */

declare module 'jpeg-js/lib/decoder.js' {
  interface Options {
    readonly useTArray: true;
    readonly formatAsRGBA: boolean;
    readonly tolerantDecoding: boolean;
    readonly maxResolutionInMP: number;
    readonly maxMemoryUsageInMB: number;
  }
  export default function decode(
    bytes: Uint8Array,
    options: Options,
  ): { readonly width: number; readonly height: number; readonly data: Uint8Array };
}
