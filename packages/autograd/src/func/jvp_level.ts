/**
 * A level of forward mode: its tensors are values with a tangent, the derivative along one direction.
 *
 * Tangents are never written in place. A tensor that is written gets another tangent, a view has it from its base.
 *
 * @module
 */

import { formatType, GradError, type Name, shapesEqual, viewNames } from "@flambeau/core";
import { keep, type Tensor } from "@flambeau/tensor";
import { bind, bindInto, gradMode, type Lifted, makeTensor, temporaries } from "@flambeau/tensor/internal";
import { cast, expand, zeros } from "../math.ts";
import { decomposed } from "./decomposed.ts";
import { join, writeInto } from "./grad_level.ts";
import { apply, at, Level, type Results, sameHandle, savable } from "./level.ts";
import { tangentRules } from "./tangent_rules.ts";
import { restrided } from "./tangent/data.ts";
import type { AnyTangentRule } from "./tangent/rule.ts";

/** What a tensor of this level is made of. */
interface Dual extends Lifted {
  /** The tangent; null where it is 0. */
  readonly tangent: Tensor | null;
  /** How often the tangent of the base had been replaced when this one was made. */
  readonly writes: number;
}

/** One `jvp` in force. */
export class JvpLevel extends Level {
  /** Which transform it is. */
  override readonly kind = "jvp";

  /** The tensor of a value and its tangent. `viewOf` is the tensor of this level that it is a view of. */
  wrap(value: Tensor, tangent: Tensor | null, viewOf: Tensor | null): Tensor {
    const x = makeTensor(value.storage, value.shape, value.strides, value.offset, value.dtype);
    if (viewOf !== null) x.base = viewOf.base ?? viewOf;
    this.#lift(x, value, tangent, x.base === null ? 0 : this.#dual(x.base).writes);
    return x;
  }

  #dual(x: Tensor): Dual {
    return x.lifted as Dual;
  }

  #lift(x: Tensor, value: Tensor, tangent: Tensor | null, writes: number): void {
    const dual: Dual = {
      level: this,
      value,
      tangent,
      writes,
      parts: tangent === null ? [value] : [value, tangent],
      readable: value.lifted === null || value.lifted.readable,
    };
    x.lifted = dual;
  }

  /** The tangent of `x`, one level further out; null where it is 0. */
  tangentOf(x: Tensor): Tensor | null {
    if (!this.has(x)) return null;
    const dual = this.#dual(x);
    const { base } = x;
    if (base === null || this.#dual(base).writes === dual.writes) return dual.tangent;
    // The base was written through another view.
    const { tangent: whole, writes } = this.#dual(base);
    const part = whole === null ? null : at(this.parent, () => seenBy(x, base, whole));
    this.#lift(x, dual.value, part, writes);
    return part;
  }

  /** Applies a primitive to the values, and its rule to the tangents. */
  override execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Results {
    const tangents = inputs.map((x) => this.tangentOf(x));
    const values = inputs.map((x) => this.outside(x));
    const viewOf = viewNames.has(name as "alias") ? inputs[0]! : null;
    const rule = gradMode.enabled && tangents.some((t) => t !== null)
      ? tangentRules[name] as AnyTangentRule | "decompose" | null
      : null;
    if (rule === "decompose") {
      return decomposed(this, name, inputs, attrs, (x) => this.has(x) ? x : this.wrap(x, null, null));
    }
    let several = false;
    const [results, slopes] = at(this.parent, () => {
      const made: [Tensor[], (Tensor | null)[]] = [[], []];
      temporaries(() => {
        const output = apply(name, values, attrs);
        several = Array.isArray(output);
        made[0] = several ? [...output as readonly Tensor[]] : [output as Tensor];
        const context = { inputs: values, output, attrs, tangents };
        const found = rule === null ? null : rule(context as unknown as Parameters<AnyTangentRule>[0]);
        const list = Array.isArray(found) ? found as readonly (Tensor | null)[] : [found as Tensor | null];
        made[1] = made[0].map((y, i) => list[i] ? fitted(list[i], y) : null);
        return [...made[0], ...made[1].filter((t) => t !== null)];
      });
      return made;
    });
    const duals = results.map((y, i) => this.wrap(y, slopes[i]!, viewOf));
    return several ? duals : duals[0]!;
  }

  /** Writes the values, and gives the targets the tangents of the results. */
  override executeInto(
    targets: readonly Tensor[],
    name: Name,
    inputs: readonly Tensor[],
    attrs: unknown,
  ): void {
    const into = targets.map((x) => this.outside(x));
    if (!gradMode.enabled || !targets.some((x) => this.has(x))) {
      const values = inputs.map((x) => this.outside(x));
      return at(this.parent, () => writeInto(into, name, values, attrs));
    }
    temporaries(() => {
      const made = this.execute(name, savable(this, targets, inputs), attrs);
      const results = (Array.isArray(made) ? made : [made]) as readonly Tensor[];
      results.forEach((result, i) => {
        const target = targets[i]!;
        const slope = this.tangentOf(result);
        at(this.parent, () => {
          const value = this.outside(result);
          if (value.dtype === target.dtype) bindInto([into[i]!], "copy", [value], null);
          else bindInto([into[i]!], "cast", [value], { dtype: target.dtype });
          if (this.has(target)) this.#retarget(target, slope === null ? null : fitted(slope, target));
        });
      });
      return null;
    });
  }

  /** Gives a tensor that was written another tangent; runs further out. */
  #retarget(target: Tensor, tangent: Tensor | null): void {
    const { base } = target;
    if (base === null) {
      const { value, writes } = this.#dual(target);
      this.#lift(target, value, tangent === null ? null : keep(tangent), writes + 1);
      return;
    }
    if (!base.isContiguous()) {
      throw new GradError(
        `Cannot write a view of ${
          formatType(base)
        } in place inside jvp: its base must be contiguous; clone() the view ` +
          "or its base first",
      );
    }
    const before = this.tangentOf(base);
    if (before === null && tangent === null) return;
    const whole = before === null ? zeros(base, base.shape) : bind("copy", [before], null);
    const part = bind("asStrided", [whole], within(target, base));
    bindInto([part], "copy", [tangent ?? zeros(target, target.shape)], null);
    const { value, writes } = this.#dual(base);
    this.#lift(base, value, keep(whole), writes + 1);
  }

  /** Targets join the level when something with a tangent is written. */
  override admit(targets: readonly Tensor[], name: Name, inputs: readonly Tensor[]): void {
    if (gradMode.enabled && inputs.some((x) => this.tangentOf(x) !== null)) join(this, targets, name);
  }

  /** Makes `x` a tensor of this level without a tangent, and its base too. */
  override promote(x: Tensor): void {
    if (this.has(x)) return;
    const { base } = x;
    if (base !== null) this.promote(base);
    const value = sameHandle(x, base === null ? null : base.lifted!.value);
    x.gradMeta = null;
    this.#lift(x, value, null, 0);
  }

  /** The tensor whose value and tangent are what `f` makes of those of `x`. */
  override mapped(x: Tensor, f: (part: Tensor) => Tensor): Tensor {
    const tangent = this.tangentOf(x);
    return this.wrap(f(this.outside(x)), tangent === null ? null : f(tangent), null);
  }
}

/** The tangent of a view from that of its base, which may lie in memory in another way. */
function seenBy(x: Tensor, base: Tensor, tangent: Tensor): Tensor {
  if (!base.isContiguous()) return restrided(tangent, base, x);
  const isDense = tangent.isContiguous() && tangent.offset === 0;
  const dense = isDense ? tangent : bind("copy", [tangent], null);
  return bind("asStrided", [dense], within(x, base));
}

/** The geometry of a view over a contiguous copy of its base. */
function within(
  x: Tensor,
  base: Tensor,
): { shape: readonly number[]; strides: readonly number[]; offset: number } {
  return { shape: x.shape, strides: x.strides, offset: x.offset - base.offset };
}

/** A tangent in the shape and dtype of its value; null for values that are not floats. */
function fitted(t: Tensor, y: Tensor): Tensor | null {
  if (y.dtype.kind !== "float") return null;
  return cast(shapesEqual(t.shape, y.shape) ? t : expand(t, y.shape), y.dtype);
}
