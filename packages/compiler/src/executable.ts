/**
 * Makes a program ready on a backend: kernels are chosen once, and a run is a walk over their dispatches.
 *
 * @module
 */

import {
  type Aval,
  type Backend,
  type Buffer,
  contiguousStrides,
  DeviceError,
  formatType,
  isContiguous,
  type KernelName,
  numelOf,
  type Operand,
  pointwiseNames,
  type Program,
  type ProgramOperand,
  type ProgramStep,
  shapesEqual,
  ValueError,
} from "@flambeau/core";

/** A program that a backend can run. */
export interface Executable {
  /** What it runs. */
  readonly program: Program;
  /**
   * Runs the program: reads `inputs` and writes `outputs`, which have the order of the program's.
   *
   * Steps that touch another buffer than in the last run are described anew; with the same buffers a run only
   * dispatches. Buffers must not overlap, but an output may be the buffer of an input that no step reads after that
   * output is written: so a parameter is updated in place.
   *
   * @throws {ValueError} If the number of buffers or the size of one is wrong, or two are one that must not be.
   */
  run(inputs: readonly Buffer[], outputs: readonly Buffer[]): void;
  /** Gives its memory back. It must not run again. */
  dispose(): void;
}

/**
 * Takes the arena of `program` and chooses the kernels of all steps whose buffers are known.
 *
 * @throws {OutOfMemoryError} If the arena cannot be had.
 * @throws {DeviceError} If the backend has no kernel for a step: here, or at the first run for steps that touch inputs
 * or outputs.
 */
export function loadProgram<D>(backend: Backend<D>, program: Program): Executable {
  return new LoadedProgram(backend, program);
}

class LoadedProgram<D> implements Executable {
  readonly program: Program;
  readonly #backend: Backend<D>;
  readonly #scratch: Scratch<D>;
  readonly #arena: Buffer | null;
  /** The buffer of each slot: the arena, or what the caller gave last. */
  readonly #buffers: (Buffer | null)[];
  /** Steps that touch each slot, for the slots of the caller. */
  readonly #users: readonly (readonly number[])[];
  /** What each step dispatches; empty until its buffers are known. */
  readonly #dispatches: (readonly D[])[];

  constructor(backend: Backend<D>, program: Program) {
    this.program = program;
    this.#backend = backend;
    this.#scratch = new Scratch(backend);
    // Values without elements lie in an arena too, of 0 bytes if there are no others.
    const inArena = program.slots.some(({ kind }) => kind === "arena");
    this.#arena = inArena ? backend.allocate(program.arenaBytes) : null;
    this.#buffers = program.slots.map(({ kind }) => kind === "arena" ? this.#arena : null);
    this.#users = program.slots.map((slot, k) =>
      slot.kind === "arena"
        ? []
        : stepsWhere(program, ({ inputs, outputs }) => touches(inputs, k) || touches(outputs, k))
    );
    this.#dispatches = program.steps.map(() => []);
    try {
      const inner = stepsWhere(
        program,
        ({ inputs, outputs }) => [...inputs, ...outputs].every(({ slot }) => this.#buffers[slot] !== null),
      );
      this.#describe(inner);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  run(inputs: readonly Buffer[], outputs: readonly Buffer[]): void {
    const changed = [
      ...this.#changed("input", this.program.inputs, inputs),
      ...this.#changed("output", this.program.outputs, outputs),
    ];
    if (changed.length > 0) this.#bind(changed);
    for (const dispatches of this.#dispatches) {
      for (const dispatch of dispatches) this.#backend.run(dispatch);
    }
  }

  dispose(): void {
    this.#scratch.dispose();
    if (this.#arena !== null) this.#backend.free(this.#arena);
  }

  /** The slots that get another buffer. */
  #changed(
    kind: "input" | "output",
    operands: readonly ProgramOperand[],
    buffers: readonly Buffer[],
  ): [slot: number, buffer: Buffer][] {
    if (buffers.length !== operands.length) {
      throw new ValueError(
        `Cannot run a program: it must get ${operands.length} ${kind} buffers, got ${buffers.length}`,
      );
    }
    const changed: [slot: number, buffer: Buffer][] = [];
    operands.forEach((operand, i) => {
      const { slot } = operand;
      const buffer = buffers[i]!;
      if (this.#buffers[slot] === buffer) return;
      const { bytes } = this.program.slots[slot]!;
      if (buffer.bytes < bytes) {
        throw new ValueError(
          `Cannot run a program: ${kind} ${i}, ${
            formatType(operand)
          }, must have ${bytes} bytes, got ${buffer.bytes}`,
        );
      }
      changed.push([slot, buffer]);
    });
    return changed;
  }

  #bind(changed: readonly (readonly [slot: number, buffer: Buffer])[]): void {
    for (const [slot, buffer] of changed) this.#buffers[slot] = buffer;
    try {
      this.#checkShared();
      this.#describe(new Set(changed.flatMap(([slot]) => this.#users[slot]!)));
    } catch (error) {
      for (const [slot] of changed) this.#buffers[slot] = null; // so that the next run describes them
      throw error;
    }
  }

  #checkShared(): void {
    const { inputs, outputs, steps } = this.program;
    outputs.forEach((output, i) => {
      const buffer = this.#buffers[output.slot];
      if (outputs.some(({ slot }, k) => k < i && this.#buffers[slot] === buffer)) {
        throw new ValueError(
          `Cannot run a program: output ${i} must have a buffer of its own, got a shared one`,
        );
      }
      const written = steps.findIndex((step) => touches(step.outputs, output.slot));
      inputs.forEach(({ slot }, k) => {
        if (this.#buffers[slot] !== buffer) return;
        const late = steps.findIndex((step, s) =>
          touches(step.inputs, slot) && (s > written || s === written && !mayWriteOver(step, slot, output))
        );
        if (late >= 0) {
          throw new ValueError(
            `Cannot run a program: output ${i} must not be the buffer of input ${k}, ` +
              `which step ${late} (${steps[late]!.name}) reads after step ${written} has begun to write it`,
          );
        }
      });
    });
  }

  #describe(steps: Iterable<number>): void {
    for (const i of steps) this.#dispatches[i] = this.#dispatchesOf(this.program.steps[i]!);
  }

  /** One dispatch, or one between those that copy operands to and from contiguous memory. */
  #dispatchesOf({ name, inputs, outputs, attrs }: ProgramStep): readonly D[] {
    const from = inputs.map((x) => this.#operand(x));
    const to = outputs.map((x) => this.#operand(x));
    const direct = describe(this.#backend, name, from, to, attrs);
    if (direct !== null) return [direct];
    this.#scratch.begin();
    const packed = from.map((x) => isContiguous(x.shape, x.strides) ? x : this.#scratch.take(x));
    const results = to.map((x) => isContiguous(x.shape, x.strides) ? x : this.#scratch.take(x));
    const middle = describe(this.#backend, name, packed, results, attrs);
    if (middle === null) {
      throw new DeviceError(
        `Cannot ${name} ${inputs.map(formatType).join(", ")} on ${this.#backend.name}: ` +
          `it must have a kernel for this step, got none; lower the graph for this backend`,
      );
    }
    return [...this.#copies(from, packed), middle, ...this.#copies(results, to)];
  }

  #copies(from: readonly Operand[], to: readonly Operand[]): D[] {
    return from.flatMap((x, i) => {
      if (x === to[i]) return [];
      return [describe(this.#backend, "copy", [x], [to[i]!], null)!]; // `copy` takes any strides
    });
  }

  #operand({ slot, dtype, shape, strides, offset }: ProgramOperand): Operand {
    const place = this.program.slots[slot]!;
    const start = place.kind === "arena" ? place.offset / dtype.itemsize : 0;
    return { buffer: this.#buffers[slot]!, dtype, shape, strides, offset: start + offset };
  }
}

/** Contiguous memory for the operands of one step at a time; the next step may use it again. */
class Scratch<D> {
  readonly #backend: Backend<D>;
  readonly #buffers: Buffer[] = [];
  #free: Buffer[] = [];

  constructor(backend: Backend<D>) {
    this.#backend = backend;
  }

  /** Starts a step: all memory is free. */
  begin(): void {
    this.#free = [...this.#buffers].sort((a, b) => a.bytes - b.bytes);
  }

  /** Contiguous memory for a tensor like `x`. */
  take({ shape, dtype }: Aval): Operand {
    const bytes = numelOf(shape) * dtype.itemsize;
    const at = this.#free.findIndex((buffer) => buffer.bytes >= bytes);
    const buffer = at < 0 ? this.#backend.allocate(bytes) : this.#free.splice(at, 1)[0]!;
    if (at < 0) this.#buffers.push(buffer);
    return { buffer, dtype, shape, strides: contiguousStrides(shape), offset: 0 };
  }

  dispose(): void {
    this.#buffers.splice(0).forEach((buffer) => this.#backend.free(buffer));
  }
}

function describe<D>(
  backend: Backend<D>,
  name: KernelName,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attrs: unknown,
): D | null {
  type AnyKernel = (
    inputs: readonly Operand[],
    outputs: Operand | readonly Operand[],
    attrs: unknown,
  ) => D | null;
  const kernel = backend.kernels[name] as AnyKernel | undefined;
  return kernel?.(inputs, outputs.length > 1 ? outputs : outputs[0]!, attrs) ?? null;
}

function stepsWhere(program: Program, test: (step: ProgramStep) => boolean): number[] {
  return program.steps.flatMap((step, i) => test(step) ? [i] : []);
}

function touches(operands: readonly ProgramOperand[], slot: number): boolean {
  return operands.some((operand) => operand.slot === slot);
}

/** True when `step` reads the input in `slot` only at the places where it writes `output`. */
function mayWriteOver(step: ProgramStep, slot: number, output: ProgramOperand): boolean {
  return pointwiseNames.has(step.name) && step.inputs.every((input) =>
    input.slot !== slot ||
    input.dtype === output.dtype && shapesEqual(input.shape, output.shape) &&
      isContiguous(input.shape, input.strides)
  );
}
