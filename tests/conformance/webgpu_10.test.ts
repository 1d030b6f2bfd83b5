import { testGpu } from "./webgpu.ts";

testGpu(10);
