import type { Name } from "@flambeau/core";
import { opInfos } from "@flambeau/testing";
import { describe } from "vitest";
import { hostRows } from "./backends.ts";
import { testForward } from "./forward.ts";

describe.each(hostRows)("$name", (row) => testForward(row, Object.keys(opInfos) as Name[]));
