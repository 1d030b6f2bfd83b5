/**
 * What adapters can do at most, from their makers' data sheets: float32 without tensor cores, and memory.
 *
 * @module
 */

/** The most that an adapter can do. */
export interface Peak {
  /** Float32 operations, 10⁹ each second. */
  readonly gflops: number;
  /** Memory, 10⁹ bytes each second. */
  readonly gbs: number;
}

// The first name that is found counts: longer ones first.
const PEAKS: readonly (readonly [name: RegExp, gflops: number, gbs: number])[] = [
  [/H200/i, 66_900, 4_800],
  [/H100.*PCIe/i, 51_200, 2_039],
  [/H100/i, 66_900, 3_350],
  [/A100.*80/i, 19_500, 2_039],
  [/A100/i, 19_500, 1_555],
  [/L40S/i, 91_600, 864],
  [/\bL4\b/i, 30_300, 300],
  [/\bA10G?\b/i, 31_200, 600],
  [/V100/i, 15_700, 900],
  [/\bT4\b/i, 8_100, 320],
  [/RTX 5090/i, 104_800, 1_792],
  [/RTX 4090/i, 82_600, 1_008],
  [/RTX 4080/i, 48_700, 717],
  [/RTX 4070/i, 29_100, 504],
  [/RTX 4060/i, 15_100, 272],
  [/RTX 3090/i, 35_600, 936],
  [/RTX 3080/i, 29_800, 760],
  [/RTX 3070/i, 20_300, 448],
  [/RTX 3060/i, 12_700, 360],
  [/RX 7900 XTX/i, 61_400, 960],
  [/RX 6800 XT/i, 20_700, 512],
  [/MI300X/i, 163_400, 5_300],
  [/Arc.*A770/i, 19_700, 560],
  [/M1 Ultra/i, 21_200, 800],
  [/M1 Max/i, 10_600, 400],
  [/M1 Pro/i, 5_300, 200],
  [/Apple M1\b/i, 2_600, 68],
  [/M2 Ultra/i, 27_200, 800],
  [/M2 Max/i, 13_600, 400],
  [/Apple M2\b/i, 3_600, 100],
  [/M3 Max/i, 14_200, 400],
  [/Apple M3\b/i, 3_500, 100],
];

/** The peak of an adapter by its name; null where it is not known. */
export function peakOf(adapter: string): Peak | null {
  const found = PEAKS.find(([name]) => name.test(adapter));
  return found === undefined ? null : { gflops: found[1], gbs: found[2] };
}
