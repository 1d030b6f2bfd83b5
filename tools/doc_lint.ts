/**
 * Runs `deno doc --lint` over every entry point of every member: what is public is documented and has explicit types.
 *
 * Run: `deno task doc:lint`.
 *
 * @module
 */

import { join } from "node:path";
import { workspaceMembers } from "../tests/workspace_alias.ts";

const root = join(import.meta.dirname!, "..");
const entries = workspaceMembers(root)
  .flatMap(({ dir, exports }) => Object.values(exports).map((file) => join(dir, file)));
const { code } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--lint", ...entries], cwd: root })
  .spawn()
  .status;
Deno.exit(code);
