/**
 * Calls of modules that have hooks.
 *
 * @module
 */

import { concat, narrow, Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import type { AnyModule } from "./module.ts";
import { stateOf } from "./registry.ts";

/** Runs the hooks of a module around its `forward`. */
export function callHooked(module: AnyModule, args: readonly unknown[]): unknown {
  const { forwardPre, forward, backward } = stateOf(module);
  let given = args;
  for (const hook of forwardPre.values()) {
    const other = hook(module, given);
    if (other !== undefined && other !== null) given = Array.isArray(other) ? other : [other];
  }
  const watch = backward.size === 0 ? null : new GradWatch(module);
  if (watch !== null) given = watch.inputs(given);
  let output = module.forward(...given) as unknown;
  for (const hook of forward.values()) {
    const other = hook(module, given, output);
    if (other !== undefined && other !== null) output = other;
  }
  return watch === null ? output : watch.outputs(output);
}

type Grads = (Tensor | null)[];

/** Collects the gradients of what goes into and comes out of one call, for the backward hooks. */
class GradWatch {
  readonly #module: AnyModule;
  #gradOutput: Grads = [];
  #inputCount = 0;
  #watched = false;

  constructor(module: AnyModule) {
    this.#module = module;
  }

  /** The arguments, with those that require grad replaced by equals whose gradients are seen. */
  inputs(args: readonly unknown[]): readonly unknown[] {
    this.#inputCount = args.length;
    return watch(args, (grads) => this.#run(grads), () => this.#watched = true);
  }

  /** The result, with gradients seen too. */
  outputs(output: unknown): unknown {
    const list = Array.isArray(output) ? output as unknown[] : [output];
    const seen = watch(list, (grads) => {
      this.#gradOutput = grads;
      // Without an input that requires grad there is nothing else to wait for.
      if (!this.#watched) this.#run(new Array(this.#inputCount).fill(null));
    });
    return Array.isArray(output) ? seen : seen[0];
  }

  #run(gradInput: Grads): Grads {
    let grads = gradInput;
    for (const hook of [...stateOf(this.#module).backward.values()]) {
      const other = hook(this.#module, grads, this.#gradOutput);
      if (other === undefined || other === null) continue;
      grads = other instanceof Tensor ? [other as Tensor] : [...other as Grads];
    }
    return grads;
  }
}

/**
 * Replaces the tensors that require grad by equals of one step, whose gradients `see` gets together, with null for the
 * other places of the list. What it returns takes the place of the gradients.
 */
function watch(
  list: readonly unknown[],
  see: (grads: Grads) => Grads | void,
  found: () => void = () => {},
): readonly unknown[] {
  const places = list.flatMap((x, i) => x instanceof Tensor && x.requiresGrad ? [i] : []);
  if (places.length === 0) return list;
  found();
  const tensors = places.map((i) => list[i] as Tensor);
  const out = [...list];
  const spread = (grads: readonly Tensor[]): Grads => {
    const all: Grads = new Array(list.length).fill(null);
    places.forEach((place, i) => all[place] = grads[i]!);
    return all;
  };
  if (tensors.length === 1) {
    const alias = bind("alias", [tensors[0]!], null);
    alias.registerHook((grad) => see(spread([grad]))?.[places[0]!] ?? undefined);
    out[places[0]!] = alias;
    return out;
  }
  // Several tensors become one and are cut out of it, so that one step has all of their gradients.
  const sizes = tensors.map((x) => x.numel());
  const joined = concat(tensors.map((x) => x.reshape([-1])));
  const cut = (whole: Tensor): Tensor[] => {
    let start = 0;
    return tensors.map((x, i) => {
      const part = narrow(whole, 0, start, sizes[i]!).view(x.shape);
      start += sizes[i]!;
      return part;
    });
  };
  joined.registerHook((grad) => {
    const parts = cut(grad);
    const others = see(spread(parts));
    if (others === undefined) return;
    return concat(places.map((place, i) => (others[place] ?? parts[i]!).reshape([-1])));
  });
  cut(joined).forEach((part, i) => out[places[i]!] = part);
  return out;
}
