/**
 * Which way a product of matrices is computed: the tiles there are, the rules that choose one by the shape, and tables of
 * what was measured on an adapter, which go before the rules.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import type { SubgroupForm } from "../../subgroups.ts";

/** A tile of the result that one workgroup makes. */
export interface Tile {
  /** Rows and columns of the tile. */
  readonly rows: number;
  readonly columns: number;
  /** Rows and columns that one invocation keeps in registers; multiples of 4. */
  readonly eachRows: number;
  readonly eachColumns: number;
  /** Depth of what lies in workgroup memory at once. */
  readonly depth: number;
}

/** The name of a tile: rows, columns and depth. */
export type TileName =
  | "128x128x16"
  | "128x128x8"
  | "128x64x16"
  | "64x128x16"
  | "64x64x16"
  | "64x64x32"
  | "32x64x32"
  | "32x32x32";

/**
 * All tiles: at most 256 invocations and 16 KiB of workgroup memory, which every adapter has.
 *
 * An invocation does 2 · r · c operations for r + c values that it reads from workgroup memory: 8 × 8 keeps the arithmetic
 * units of a large GPU busy, smaller ones are for results that would give too few workgroups.
 */
export const TILES: Readonly<Record<TileName, Tile>> = {
  "128x128x16": { rows: 128, columns: 128, eachRows: 8, eachColumns: 8, depth: 16 },
  "128x128x8": { rows: 128, columns: 128, eachRows: 8, eachColumns: 8, depth: 8 },
  "128x64x16": { rows: 128, columns: 64, eachRows: 8, eachColumns: 8, depth: 16 },
  "64x128x16": { rows: 64, columns: 128, eachRows: 8, eachColumns: 8, depth: 16 },
  "64x64x16": { rows: 64, columns: 64, eachRows: 8, eachColumns: 4, depth: 16 },
  "64x64x32": { rows: 64, columns: 64, eachRows: 8, eachColumns: 4, depth: 32 },
  "32x64x32": { rows: 32, columns: 64, eachRows: 4, eachColumns: 4, depth: 32 },
  "32x32x32": { rows: 32, columns: 32, eachRows: 4, eachColumns: 4, depth: 32 },
};

/** A way to compute a product: in tiles, or, where one side has few rows, without. */
export type Way = TileName | "skinny";

/** Rows up to which a product may be computed without tiles. */
export const SKINNY = 16;

/** Names of all ways. */
export const wayNames: readonly Way[] = [...Object.keys(TILES) as TileName[], "skinny"];

/** Sizes of a product [m, k] · [k, n], and how many of them there are. */
export interface ProductShape {
  /** Rows of the result. */
  readonly m: number;
  /** Columns of the result. */
  readonly n: number;
  /** Depth: what is summed over. */
  readonly k: number;
  /** Products at once. */
  readonly batch: number;
}

/** What was measured best for a shape. */
export interface TileRow extends ProductShape {
  /** The way. */
  readonly way: Way;
  /** In how many parts the depth is computed. */
  readonly parts: number;
}

/** What was measured on an adapter: plain data, which can be stored as JSON. */
export interface TileTable {
  /** The version of this form. */
  readonly version: 1;
  /** The adapter on which it was measured, in words. */
  readonly adapter: string;
  /** The best way for each shape. */
  readonly rows: readonly TileRow[];
}

/** A choice. */
export interface Choice {
  readonly way: Way;
  readonly parts: number;
}

/** What the products of a device share; autotuning changes it. */
export interface GemmSettings {
  /** What was measured. */
  table: TileTable | null;
  /** The way and the parts to take wherever they can be, whatever the shape. */
  forced: Partial<Choice> | null;
  /** How shaders sum over a subgroup. */
  readonly subgroups: SubgroupForm;
}

/** The settings of a device that knows nothing about itself. */
export function plainSettings(): GemmSettings {
  return { table: null, forced: null, subgroups: "none" };
}

/** A rule: where both sides reach these sizes and this many tiles of this kind come about, it is taken. */
interface Rule {
  readonly tile: TileName;
  readonly m: number;
  readonly n: number;
  readonly tiles: number;
}

// A large GPU has 100 to 150 processors, each of which wants one workgroup of 256 invocations or two of 128. The first
// rule that fits is taken; tiles that stick out by more than half are a waste.
const RULES: readonly Rule[] = [
  { tile: "128x128x16", m: 96, n: 96, tiles: 144 },
  { tile: "128x64x16", m: 96, n: 48, tiles: 144 },
  { tile: "64x128x16", m: 48, n: 96, tiles: 144 },
  { tile: "64x64x16", m: 48, n: 48, tiles: 96 },
  { tile: "32x64x32", m: 0, n: 48, tiles: 96 },
  { tile: "32x32x32", m: 0, n: 0, tiles: 0 },
];

/** The depth from which a product with few tiles is made in parts, and the least depth of a part. */
const LONG = 512;
/** Workgroups that are enough for a large GPU. */
const ENOUGH = 256;

/** Workgroups of a product in tiles. */
export function tilesOf({ rows, columns }: Tile, { m, n, batch }: ProductShape): number {
  return Math.ceil(m / rows) * Math.ceil(n / columns) * batch;
}

/** Parts for a product of `groups` workgroups. */
export function partsFor(groups: number, k: number): number {
  if (k < 2 * LONG || groups >= ENOUGH / 2) return 1;
  return Math.max(1, Math.min(Math.ceil(k / LONG), Math.ceil(ENOUGH / groups)));
}

/** The choice of the rules. Whoever calls has made `m` the smaller side where one of them is at most {@linkcode SKINNY}. */
function byRule(shape: ProductShape): Choice {
  if (shape.m <= SKINNY) return { way: "skinny", parts: 0 };
  const rule = RULES.find(({ tile, m, n, tiles }) =>
    shape.m >= m && shape.n >= n && tilesOf(TILES[tile], shape) >= tiles
  )!;
  return { way: rule.tile, parts: partsFor(tilesOf(TILES[rule.tile], shape), shape.k) };
}

const SIZES = ["m", "n", "k", "batch"] as const;

/** The nearest measured shape, of which no size is off by more than a factor of 2. */
function measured({ rows }: TileTable, shape: ProductShape): TileRow | null {
  let [best, least] = [null as TileRow | null, Infinity];
  for (const row of rows) {
    if ((shape.m <= SKINNY) !== (row.m <= SKINNY)) continue;
    const off = SIZES.map((size) => Math.abs(Math.log2(shape[size] / row[size])));
    const sum = off.reduce((a, b) => a + b, 0);
    if (sum < least && off.every((by) => by <= 1)) [best, least] = [row, sum];
  }
  return best;
}

/** How to compute a product; parts 0 leaves their number to the kernel. */
export function choose({ table, forced }: GemmSettings, shape: ProductShape): Choice {
  const found = (table === null || shape.k === 0 ? null : measured(table, shape)) ?? byRule(shape);
  let { way, parts } = found;
  if (forced?.way !== undefined && (forced.way !== "skinny" || shape.m <= SKINNY)) {
    way = forced.way;
    parts = way === "skinny" ? 0 : partsFor(tilesOf(TILES[way], shape), shape.k);
  }
  return { way, parts: forced?.parts ?? parts };
}

const isCount = (x: unknown, least: number): boolean => Number.isSafeInteger(x) && x as number >= least;

/**
 * A table that comes from outside, looked through.
 *
 * @throws {ValueError} If it is not one.
 */
export function checkTiles(value: unknown): TileTable {
  const refuse = (what: string, got: unknown): never => {
    throw new ValueError(
      `Cannot use a table of tiles: ${what}, got ${JSON.stringify(got) ?? String(got)}`,
    );
  };
  if (typeof value !== "object" || value === null) return refuse("it must be an object", value);
  const { version, adapter, rows } = value as Record<string, unknown>;
  if (version !== 1) refuse("its version must be 1", version);
  if (typeof adapter !== "string") refuse("its adapter must be a text", adapter);
  if (!Array.isArray(rows)) return refuse("its rows must be a list", rows);
  for (const row of rows as unknown[]) {
    if (typeof row !== "object" || row === null) return refuse("a row must be an object", row);
    const { way, parts, ...shape } = row as Record<string, unknown>;
    for (const size of SIZES) {
      if (!isCount(shape[size], 1)) refuse(`${size} of a row must be a whole number from 1 on`, shape[size]);
    }
    if (!isCount(parts, 0)) refuse("parts of a row must be a whole number from 0 on", parts);
    if (!wayNames.includes(way as Way)) refuse(`way of a row must be one of ${wayNames.join(", ")}`, way);
    if (way === "skinny" && (shape.m as number) > SKINNY) {
      refuse(`m of a row with way "skinny" must be at most ${SKINNY}`, shape.m);
    }
  }
  return value as TileTable;
}
