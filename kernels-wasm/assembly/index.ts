/** What the module exports. */

export { init_constants } from "./constants";
export { set_scratch } from "./memory";
export * from "./copy";
export * from "./generated/pointwise";
export * from "./nd";
export { add_scaled_f32, add_scaled_f64, clamp_f32, clamp_f64 } from "./pointwise";
