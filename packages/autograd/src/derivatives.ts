/**
 * The derivative of every primitive: the tables of the families, and for fused primitives without a row of their own the
 * derivative of the decomposition.
 *
 * @module
 */

import { decompositions } from "@flambeau/compiler";
import type { Attrs, Bind, FusedName, Inputs, Name } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, creatingOn, gradMode } from "@flambeau/tensor/internal";
import { dataDerivatives, viewDerivatives } from "./derivatives/data.ts";
import { fusedDerivatives } from "./derivatives/fused.ts";
import { linalgDerivatives } from "./derivatives/linalg.ts";
import { binaryDerivatives, unaryDerivatives } from "./derivatives/pointwise.ts";
import { reductionDerivatives, scanDerivatives } from "./derivatives/reduce.ts";
import { GradLevel } from "./func/grad_level.ts";
import { run } from "./func/level.ts";
import type { Node } from "./node.ts";
import { type Derivative, INPUTS } from "./row.ts";

/** Gradients through a decomposition, by the pass that autograd gives to this module when it is installed. */
export const replay: {
  grad:
    | ((
      outputs: readonly Tensor[],
      inputs: readonly Tensor[],
      grads: readonly (Tensor | null)[],
      create: boolean,
    ) => (Tensor | null)[])
    | null;
} = { grad: null };

const table: Partial<Record<Name, Derivative<Name> | null>> = {
  ...viewDerivatives,
  ...unaryDerivatives,
  ...binaryDerivatives,
  ...reductionDerivatives,
  ...scanDerivatives,
  ...dataDerivatives,
  ...linalgDerivatives,
  ...fusedDerivatives,
  attention: attentionRow(),
} as unknown as Partial<Record<Name, Derivative<Name> | null>>;

/**
 * The row of attention. Its gradient by `attentionBackward` is there for the sake of that kernel; on a device without one the
 * decomposition's is taken, which loses a few digits less: its row sums cancel exactly.
 */
function attentionRow(): Derivative<"attention"> {
  const [fused, replayed] = [fusedDerivatives.attention!, byDecomposition("attention")];
  return {
    saves: fused.saves,
    backward: (grad, context) => {
      const { kernels } = context.inputs[0].backend;
      return (kernels.attentionBackward === undefined ? replayed : fused).backward(grad, context);
    },
  };
}

/** The derivative of a primitive; null when its results are not differentiable. */
export function derivativeOf<P extends Name>(name: P): Derivative<P> | null {
  const found = table[name];
  if (found !== undefined) return found as unknown as Derivative<P> | null;
  return (table[name] = byDecomposition(name as FusedName) as unknown as Derivative<
    Name
  >) as unknown as Derivative<P>;
}

/**
 * Lets go of what the replay saved on its way from `ends` to `outputs` and no pass has walked: the part behind outputs
 * without a gradient. The graph behind `kept` stays.
 */
function release(outputs: readonly Tensor[], ends: readonly Tensor[], kept: readonly Tensor[]): void {
  const seen = new Set<Node>(ends.map((x) => x.gradFn as Node));
  nodesBehind(kept, seen);
  for (const node of nodesBehind(outputs, seen)) node.release();
}

/** The nodes behind `outputs` that were not seen yet; they count as seen then. */
export function nodesBehind(outputs: readonly Tensor[], seen: Set<Node>): Node[] {
  const found: Node[] = [];
  const visit = (node: Node | null): void => {
    if (node === null || seen.has(node)) return;
    seen.add(node);
    found.push(node);
  };
  for (const output of outputs) visit(output.gradFn as Node | null);
  for (let i = 0; i < found.length; i++) for (const edge of found[i]!.edges) visit(edge?.node ?? null);
  return found;
}

/** Replays the decomposition of a fused primitive on its saved inputs, recorded, and walks that. */
function byDecomposition<P extends FusedName>(name: P): Derivative<P> {
  const decompose = decompositions[name] as unknown as (
    bind: Bind<Tensor>,
    inputs: Inputs<P, Tensor>,
    attrs: Attrs<P>,
  ) => Tensor | readonly Tensor[];
  return {
    saves: () => INPUTS,
    backward: (grad, { inputs, attrs, needs }) => {
      const list = inputs as readonly Tensor[];
      // In and behind function transforms the tape of the inputs may be closed: the replay gets one of its own.
      const level = list.some((x, i) => needs[i] && (x.lifted !== null || !x.requiresGrad))
        ? new GradLevel()
        : null;
      const enabled = gradMode.enabled;
      const create = level === null && enabled;
      if (level === null) gradMode.enabled = true;
      try {
        // Aliases are the ends of the replay: inputs that were made from one another count as independent.
        const endOf = (x: Tensor): Tensor => level === null ? bind("alias", [x], null) : level.leaf(x);
        const ends = list.map((x, i) => needs[i] ? endOf(x) : x);
        const replayed = () =>
          creatingOn(
            ends[0]!.backend,
            () => decompose(bind, ends as unknown as Inputs<P, Tensor>, attrs),
          );
        const made = level === null ? replayed() : run(level, replayed);
        const outputs = (Array.isArray(made) ? made : [made]) as readonly Tensor[];
        const grads = (Array.isArray(grad) ? grad : [grad]) as readonly (Tensor | null)[];
        const used = outputs.map((_, i) => i).filter((i) => grads[i] !== null && outputs[i]!.requiresGrad);
        const wanted = ends.filter((_, i) => needs[i]);
        const found = used.length === 0
          ? wanted.map(() => null)
          : replay.grad!(used.map((i) => outputs[i]!), wanted, used.map((i) => grads[i]!), create);
        release(outputs, ends, create ? used.map((i) => outputs[i]!) : []);
        let next = 0;
        return needs.map((need) => need ? found[next++] ?? null : null);
      } finally {
        gradMode.enabled = enabled;
      }
    },
  };
}
