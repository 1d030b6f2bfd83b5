/**
 * Programs of category `networks`: a random network is trained as PyTorch trained it, and everything on the way compared.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import { Mismatch } from "../parity/compare.ts";
import { type AnyConstructor, camelKeys, member } from "../parity/names.ts";
import { checkValues, numberOf } from "./machine.ts";
import type { Full, Json } from "./program.ts";

type Row = readonly [name: string, args: readonly Json[], kwargs: Readonly<Record<string, Json>>];
type Net = torch.nn.Module & { [Symbol.iterator](): Iterator<torch.nn.Module> };

/** A network, what is done to it, and what PyTorch gets. */
export interface Network {
  readonly rows: readonly Row[];
  readonly double: boolean;
  readonly start: Readonly<Record<string, Full>>;
  readonly optimizer: readonly [name: string, kwargs: Readonly<Record<string, Json>>];
  readonly groups: boolean;
  readonly steps: readonly {
    readonly x: Full;
    readonly train: boolean;
    readonly event: string;
    readonly y: Full;
    readonly norm?: number;
  }[];
  readonly end: Readonly<Record<string, Full>>;
  readonly texts: readonly string[];
}

function tensorOf(full: Full): torch.Tensor {
  return torch.fromTypedArray(Float64Array.from(full.data, numberOf), [...full.shape], {
    dtype: torch.float64,
  })
    .to(member(torch, full.dtype === "int64" ? "int32" : full.dtype) as torch.DType);
}

function make([name, args, kwargs]: Row): torch.nn.Module {
  const Class = member(torch.nn, name) as AnyConstructor | undefined;
  if (Class === undefined) throw new Mismatch(`nn.${name} is not there`);
  const options = Object.keys(kwargs).length === 0 ? [] : [camelKeys(kwargs, (value) => value)];
  return new Class(...args, ...options) as torch.nn.Module;
}

/** Recurrent layers and attention give more than one result, and attention takes three inputs. */
function apply(module: torch.nn.Module, [name]: Row, x: torch.Tensor): torch.Tensor {
  const call = module as unknown as (...inputs: torch.Tensor[]) => torch.Tensor | readonly torch.Tensor[];
  const y = name === "MultiheadAttention" ? call(x, x, x) : call(x);
  return Array.isArray(y) ? y[0] as torch.Tensor : y as torch.Tensor;
}

function optimizerOf(net: Net, { optimizer: [name, kwargs], groups }: Network): torch.optim.Optimizer {
  const parameters = [...net.parameters()];
  const given = groups
    ? [{ params: parameters.slice(0, 1), lr: 0.003 }, { params: parameters.slice(1) }]
    : parameters;
  const Class = member(torch.optim, name) as AnyConstructor;
  return new Class(given, camelKeys(kwargs, (value) => value)) as torch.optim.Optimizer;
}

/** Trains the network and throws at the first difference. */
export async function runNetwork(network: Network): Promise<void> {
  let net = new torch.nn.ModuleList(network.rows.map(make)) as unknown as Net;
  if (network.double) net.to(torch.float64);
  [...net].forEach((module, i) => {
    const text = network.texts[i];
    if (String(module) !== text) throw new Mismatch(`prints\n${module}\nand not\n${text}`);
  });
  net.loadStateDict(new Map(Object.entries(network.start).map(([key, full]) => [key, tensorOf(full)])));
  let optimizer = optimizerOf(net, network);
  for (const [i, step] of network.steps.entries()) {
    net.train(step.train);
    if (step.event === "deepcopy") {
      const state = optimizer.stateDict();
      net = torch.deepcopy(net);
      optimizer = optimizerOf(net, network);
      optimizer.loadStateDict(state);
    } else if (step.event === "reload") {
      const [state, inner] = [net.stateDict(), optimizer.stateDict()];
      net.loadStateDict(new Map([...state].map(([key, value]) => [key, value.clone()])));
      optimizer = optimizerOf(net, network);
      optimizer.loadStateDict(inner);
    } else if (step.event === "freeze") {
      const first = [...net.parameters()][0]!;
      first.requiresGrad_(!first.requiresGrad);
    }
    optimizer.zeroGrad({ setToNone: step.event !== "zero" });
    let y = tensorOf(step.x);
    for (const [k, module] of [...net].entries()) y = apply(module, network.rows[k]!, y);
    await checkValues(step.y, y, `output of step ${i}`, "networks");
    if (!y.requiresGrad) continue;
    y.square().mean().backward();
    if (step.event === "clip") {
      const norm = torch.nn.utils.clipGradNorm_(net.parameters(), 0.5).itemSync() as number;
      if (Math.abs(norm - step.norm!) > 1e-4 * (1 + step.norm!)) {
        throw new Mismatch(`norm must be ${step.norm}, got ${norm}`);
      }
    }
    optimizer.step();
  }
  const state = net.stateDict();
  if ([...state.keys()].join() !== Object.keys(network.end).join()) {
    throw new Mismatch(`keys must be ${Object.keys(network.end)}, got ${[...state.keys()]}`);
  }
  for (const [key, want] of Object.entries(network.end)) {
    await checkValues(want, state.get(key)!, key, "networks");
  }
}
