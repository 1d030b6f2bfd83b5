/**
 * The runner of every kind.
 *
 * @module
 */

import type { CaseRunner } from "../context.ts";
import type { Kind } from "../fixtures.ts";
import { runClip } from "./clip.ts";
import { runErrorProgram } from "./error_programs.ts";
import { runError } from "./errors.ts";
import { runInit } from "./init.ts";
import { runModule } from "./modules.ts";
import { runOp } from "./ops.ts";
import { runOptim } from "./optim.ts";
import { runProgram } from "./programs.ts";
import { runRandom } from "./random.ts";
import { runScheduler } from "./schedulers.ts";
import { runSerialization } from "./serialization.ts";

/** Kind → how one of its cases is run. */
export const RUNNERS: Readonly<Record<Kind, CaseRunner>> = {
  ops: runOp,
  programs: runProgram,
  errors: runError,
  "error-programs": runErrorProgram,
  random: runRandom,
  modules: runModule,
  init: runInit,
  optim: runOptim,
  schedulers: runScheduler,
  clip: runClip,
  serialization: runSerialization,
};
