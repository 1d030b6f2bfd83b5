/**
 * The networks of the training and inference measurements, with weights that every peer computes alike.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
const nn: typeof torch.nn = torch.nn;
const F = nn.functional;

/** A deterministic tensor: shape, number of the stream, scale. */
export type Fill = (shape: readonly number[], seed: number, scale: number) => torch.Tensor;

/** Weights uniform on ±1/√fan, biases 0. */
function reset(
  layers: readonly (readonly [layer: torch.nn.Linear | torch.nn.Conv2d, fan: number])[],
  fill: Fill,
): void {
  torch.noGrad(() => {
    layers.forEach(([layer, fan], i) => {
      layer.weight.copy_(fill(layer.weight.shape, 100 + i, 2 / Math.sqrt(fan)));
      layer.bias!.zero_();
    });
  });
}

/** Linear layers with relu between them. */
export class Mlp extends nn.Module {
  layers: torch.nn.ModuleList;

  /** @param sizes Features before, between and after the layers. */
  constructor(sizes: readonly number[], fill: Fill) {
    super();
    const list = sizes.slice(1).map((out, i) => new nn.Linear(sizes[i]!, out));
    this.layers = new nn.ModuleList(list);
    reset(list.map((layer, i) => [layer, sizes[i]!]), fill);
  }

  override forward(x: torch.Tensor): torch.Tensor {
    const list = [...this.layers] as torch.nn.Linear[];
    list.forEach((layer, i) => {
      x = layer(x);
      if (i + 1 < list.length) x = x.relu();
    });
    return x;
  }
}

/** Two convolutions, a pooling and two linear layers over 28 × 28 images. */
export class Cnn extends nn.Module {
  c1: torch.nn.Conv2d = new nn.Conv2d(1, 32, 3);
  c2: torch.nn.Conv2d = new nn.Conv2d(32, 64, 3);
  f1: torch.nn.Linear = new nn.Linear(9216, 128);
  f2: torch.nn.Linear = new nn.Linear(128, 10);

  constructor(fill: Fill) {
    super();
    reset([[this.c1, 9], [this.c2, 288], [this.f1, 9216], [this.f2, 128]], fill);
  }

  override forward(x: torch.Tensor): torch.Tensor {
    x = this.c2(this.c1(x).relu()).relu();
    x = F.maxPool2d(x, 2).flatten(1);
    return this.f2(this.f1(x).relu());
  }
}

/** Sizes of a {@linkcode Gpt}. */
export interface GptSizes {
  readonly layers: number;
  readonly d: number;
  readonly heads: number;
  readonly ctx: number;
  readonly vocab: number;
}

class Block extends nn.Module {
  ln1: torch.nn.LayerNorm;
  ln2: torch.nn.LayerNorm;
  qkv: torch.nn.Linear;
  proj: torch.nn.Linear;
  up: torch.nn.Linear;
  down: torch.nn.Linear;
  readonly heads: number;

  constructor(d: number, heads: number) {
    super();
    this.heads = heads;
    this.ln1 = new nn.LayerNorm(d);
    this.ln2 = new nn.LayerNorm(d);
    this.qkv = new nn.Linear(d, 3 * d, { bias: false });
    this.proj = new nn.Linear(d, d, { bias: false });
    this.up = new nn.Linear(d, 4 * d, { bias: false });
    this.down = new nn.Linear(4 * d, d, { bias: false });
  }

  override forward(x: torch.Tensor): torch.Tensor {
    const [batch, length, d] = x.shape as [number, number, number];
    const [q, k, v] = this.qkv(this.ln1(x)).split(d, 2).map((t) =>
      t.view(batch, length, this.heads, d / this.heads).transpose(1, 2)
    ) as [torch.Tensor, torch.Tensor, torch.Tensor];
    const a = F.scaledDotProductAttention(q, k, v, { isCausal: true });
    x = x.add(this.proj(a.transpose(1, 2).reshape(batch, length, d)));
    return x.add(this.down(F.gelu(this.up(this.ln2(x)), { approximate: "tanh" })));
  }
}

/** A small decoder of tokens. */
export class Gpt extends nn.Module {
  tok: torch.nn.Embedding;
  pos: torch.nn.Embedding;
  blocks: torch.nn.ModuleList;
  lnf: torch.nn.LayerNorm;
  head: torch.nn.Linear;

  constructor({ layers, d, heads, ctx, vocab }: GptSizes, fill: Fill) {
    super();
    this.tok = new nn.Embedding(vocab, d);
    this.pos = new nn.Embedding(ctx, d);
    const blocks = Array.from({ length: layers }, () => new Block(d, heads));
    this.blocks = new nn.ModuleList(blocks);
    this.lnf = new nn.LayerNorm(d);
    this.head = new nn.Linear(d, vocab, { bias: false });
    torch.noGrad(() => {
      this.tok.weight.copy_(fill([vocab, d], 1, 0.08));
      this.pos.weight.copy_(fill([ctx, d], 2, 0.08));
      this.head.weight.copy_(fill([vocab, d], 3, 2 / Math.sqrt(d)));
      blocks.forEach((block, i) => {
        [block.qkv, block.proj, block.up, block.down].forEach((layer, j) => {
          layer.weight.copy_(fill(layer.weight.shape, 10 + i * 4 + j, 2 / Math.sqrt(layer.inFeatures)));
        });
      });
    });
  }

  override forward(ids: torch.Tensor): torch.Tensor {
    let x = this.tok(ids).add(this.pos.weight);
    for (const block of this.blocks) x = (block as Block)(x);
    return this.head(this.lnf(x));
  }
}
