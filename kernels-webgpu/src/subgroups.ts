/**
 * Whether shaders may sum over a subgroup, and how they say so: runtimes differ in the directive, and in what they list.
 *
 * @module
 */

/** Not at all; after the directive `enable subgroups;`; or without it. */
export type SubgroupForm = "none" | "directive" | "bare";

// Values of WebGPU's constants, which are globals that a runtime may not have.
const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;

const LANES = 64;

const TEXT = `@group(0) @binding(0) var<storage, read_write> found: array<vec2<u32>>;
@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_size) size: u32) {
  found[lane] = vec2<u32>(subgroupMin(lane), size + subgroupAdd(0u));
}`;

/**
 * Tries it out on a device that was given with the feature: the text must compile, and neighbouring invocations must be the
 * ones that make a subgroup.
 */
export async function probeSubgroups(device: GPUDevice): Promise<SubgroupForm> {
  for (const form of ["directive", "bare"] as const) {
    device.pushErrorScope("validation");
    let pipeline: GPUComputePipeline | null = null;
    try {
      const code = `${form === "directive" ? "enable subgroups;\n" : ""}${TEXT}`;
      const compute = { module: device.createShaderModule({ code }), entryPoint: "main" };
      pipeline = device.createComputePipeline({ layout: "auto", compute });
    } catch { /* a runtime that throws at once has no such text */ }
    const error = await device.popErrorScope().catch((reason) => reason);
    if (error === null && pipeline !== null && await areNeighbours(device, pipeline)) return form;
  }
  return "none";
}

async function areNeighbours(device: GPUDevice, pipeline: GPUComputePipeline): Promise<boolean> {
  const size = LANES * 8;
  const found = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: { buffer: found } }],
      }),
    );
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(found, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const pairs = new Uint32Array(staging.getMappedRange().slice(0));
    return Array.from({ length: LANES }, (_, lane) => lane).every((lane) => {
      const [first, lanes] = [pairs[2 * lane]!, pairs[2 * lane + 1]!];
      return lanes > 1 && first === lane - lane % lanes;
    });
  } catch {
    return false;
  } finally {
    found.destroy();
    staging.destroy();
  }
}
