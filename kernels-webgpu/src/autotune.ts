/**
 * Measures which way of computing products of matrices is best on an adapter.
 *
 * @module
 */

import {
  type Backend,
  contiguousStrides,
  float32,
  type Operand,
  OutOfMemoryError,
  type Shape,
  ValueError,
} from "@flambeau/core";
import type { GpuDispatch } from "./dispatch.ts";
import {
  type Choice,
  type GemmSettings,
  partsFor,
  type ProductShape,
  SKINNY,
  type TileName,
  type TileRow,
  TILES,
  tilesOf,
  type TileTable,
} from "./kernels/gemm/tiles.ts";

/** What is measured, and for how long. */
export interface AutotuneOptions {
  /** Sizes of products [m, k] · [k, n], and how many at once (default 1); those of usual networks when not given. */
  readonly shapes?: readonly (Omit<ProductShape, "batch"> & { readonly batch?: number })[];
  /** Time to spend, in milliseconds. What it does not suffice for keeps its rules. Default 5000. */
  readonly budgetMs?: number;
}

/** Shapes in the order of their work, so that a short budget measures the small ones. */
const SHAPES: readonly ProductShape[] = ([
  [64, 64, 64],
  [128, 128, 128],
  [1, 1024, 1024],
  [16, 1024, 1024],
  [256, 256, 256],
  [128, 128, 64, 32],
  [64, 512, 784],
  [1, 4096, 4096],
  [8, 4096, 4096],
  [512, 512, 512],
  [64, 4096, 1024],
  [512, 512, 64, 16],
  [1024, 1024, 1024],
  [256, 4096, 1024],
  [4096, 256, 1024],
  [2048, 2048, 2048],
  [4096, 1024, 4096],
  [4096, 4096, 4096],
] as const).map(([m, n, k, batch = 1]) => ({ m, n, k, batch }));

/** Milliseconds of one sample, and samples of a candidate. */
const SAMPLE_MS = 4;
const SAMPLES = 3;

/** What autotuning needs of a device. */
export type Tunable = Backend<GpuDispatch> & { readonly facts: { readonly adapter: string } };

/** The ways to compute a shape that are worth a measurement. */
function candidates(shape: ProductShape): Choice[] {
  const { m, n, k } = shape;
  const list: Choice[] = m <= SKINNY ? [{ way: "skinny", parts: 0 }] : [];
  for (const [way, tile] of Object.entries(TILES) as [TileName, typeof TILES[TileName]][]) {
    if (tile.rows >= 2 * Math.max(m, 32) || tile.columns >= 2 * Math.max(n, 32)) continue;
    const parts = partsFor(tilesOf(tile, shape), k);
    list.push({ way, parts: 1 });
    if (parts > 1) list.push({ way, parts });
  }
  return list;
}

/** Waits until all is done. */
async function settle(device: Tunable, o: Operand): Promise<void> {
  if (device.canReadSync) device.readSync(o.buffer, 0, 4);
  else await device.sync();
}

/** Milliseconds of one run. */
async function measure(device: Tunable, dispatch: GpuDispatch, o: Operand): Promise<number> {
  const once = async (turns: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < turns; i++) device.run(dispatch);
    await settle(device, o);
    return (performance.now() - start) / turns;
  };
  await once(1); // compiles
  const first = await once(1);
  const turns = Math.max(1, Math.min(200, Math.ceil(SAMPLE_MS / first)));
  let least = Infinity;
  for (let i = 0; i < SAMPLES; i++) least = Math.min(least, await once(turns));
  return least;
}

/**
 * Measures, puts what it found into `settings`, and gives it.
 *
 * @throws {ValueError} If a size or the budget is not a positive number.
 */
export async function autotune(
  device: Tunable,
  settings: GemmSettings,
  { shapes, budgetMs = 5000 }: AutotuneOptions = {},
): Promise<TileTable> {
  if (!(budgetMs > 0)) {
    throw new ValueError(`Cannot autotune webgpu: budgetMs must be positive, got ${budgetMs}`);
  }
  const list = shapes?.map((shape) => ({ ...shape, batch: shape.batch ?? 1 })) ?? SHAPES;
  for (const shape of list) {
    for (const size of [shape.m, shape.n, shape.k, shape.batch]) {
      if (!Number.isSafeInteger(size) || size < 1) {
        throw new ValueError(`Cannot autotune webgpu: sizes must be whole numbers from 1 on, got ${size}`);
      }
    }
  }
  const end = performance.now() + budgetMs;
  const rows: TileRow[] = [];
  let slowest = 0; // milliseconds of a multiplication and addition, of the last shape
  for (const given of list) {
    // Kernels take the smaller side for rows.
    const shape = given.n <= SKINNY && given.m > SKINNY ? { ...given, m: given.n, n: given.m } : given;
    const work = shape.m * shape.n * shape.k * shape.batch;
    const choices = candidates(shape);
    if (performance.now() + slowest * work * choices.length * (SAMPLES + 2) > end) continue;
    const row = await best(device, settings, shape, choices, end);
    if (row === null) continue;
    slowest = row.ms / work;
    rows.push({ ...shape, way: row.choice.way, parts: row.choice.parts });
  }
  const isNew = (old: TileRow): boolean =>
    !rows.some(({ m, n, k, batch }) => m === old.m && n === old.n && k === old.k && batch === old.batch);
  const table: TileTable = {
    version: 1,
    adapter: device.facts.adapter,
    rows: [...settings.table?.rows.filter(isNew) ?? [], ...rows],
  };
  settings.table = table;
  return table;
}

/** The best of some ways; null when time or memory does not suffice for all of them. */
async function best(
  device: Tunable,
  settings: GemmSettings,
  { m, n, k, batch }: ProductShape,
  choices: readonly Choice[],
  end: number,
): Promise<{ choice: Choice; ms: number } | null> {
  const operands: Operand[] = [];
  const matrix = (...shape: Shape): Operand => {
    const buffer = device.allocate(shape.reduce((a, b) => a * b, 4));
    const made = { buffer, shape, dtype: float32, strides: contiguousStrides(shape), offset: 0 };
    operands.push(made);
    const fill = device.kernels.full([], made, { shape, value: 0.5, dtype: float32 });
    if (fill !== null) device.run(fill);
    return made;
  };
  try {
    const [x, y, o] = [matrix(batch, m, k), matrix(batch, k, n), matrix(batch, m, n)];
    let found: { choice: Choice; ms: number } | null = null;
    for (const choice of choices) {
      if (performance.now() > end) return null;
      settings.forced = choice;
      let dispatch: GpuDispatch | null;
      try {
        dispatch = device.kernels.matmul([x, y], o, null);
      } finally {
        settings.forced = null;
      }
      if (dispatch === null) continue;
      const ms = await measure(device, dispatch, o);
      if (found === null || ms < found.ms) found = { choice, ms };
    }
    return found;
  } catch (error) {
    if (error instanceof OutOfMemoryError) return null;
    throw error;
  } finally {
    for (const { buffer } of operands) device.free(buffer);
  }
}
