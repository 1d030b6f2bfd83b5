/** What the module exports. */

export { init_constants } from "./constants";
export { set_scratch } from "./memory";
export * from "./copy";
export { cast_bf16_f32, cast_by, cast_by_scratch, cast_f16_f32, cast_f32_bf16, cast_f32_f16 } from "./cast";
export * from "./generated/pointwise";
export * from "./generated/chain";
export { nd_2, nd_3, nd_4 } from "./nd";
export { add_scaled_f32, add_scaled_f64, clamp_f32, clamp_f64 } from "./pointwise";
export { gemm_dots_f32, gemm_f32, gemm_f64, gemm_i32, gemm_i64, gemm_packed_f32, gemm_rows_f32, gemm_scratch, gemm_way } from "./gemm";
export { set_rolled } from "./gemm_micro";
export { finish_f32 } from "./finish";
export * from "./reduce";
export {
  conv_f32,
  conv_input_grad_f32,
  conv_input_grad_back_f32,
  conv_input_grad_turned_f32,
  conv_input_grad_scratch,
  conv_scratch,
  conv_weight_grad_f32,
} from "./conv";
export {
  all_finite_f32,
  winograd_back_f32,
  winograd_back_scratch,
  winograd_f32,
  winograd_scratch,
  winograd_weight_grad_f32,
  winograd_weight_grad_scratch,
  winograd_weights_f32,
  winograd_weights_size,
} from "./winograd";
export * from "./pool";
export * from "./gather";
export { resample_f32 } from "./resample";
export * from "./optim";
export * from "./random";
export * from "./attention";
export { cross_entropy_backward_f32, cross_entropy_f32, cross_entropy_total_f32 } from "./cross_entropy";
export { batch_norm_backward_f32, batch_norm_f32, group_norm_backward_f32, group_norm_f32, group_norm_scratch, layer_norm_backward_f32, layer_norm_f32, nll_loss_f32, rows_scratch, softmax_backward_f32, softmax_f32 } from "./rows";
export * from "./recurrent";
export * from "./running";
export {
  search_f32,
  search_f64,
  search_i32,
  search_i64,
  sort_f32,
  sort_f64,
  sort_i32,
  sort_i64,
  sort_scratch,
} from "./sort";
