/** Working memory of kernels: a block that the host owns and moves when more is needed. */

/** Address of the block. One for each instance, so threads do not share it. */
export let scratch: usize = 0;

/** Tells where the block is. */
export function set_scratch(ptr: usize): void {
  scratch = ptr;
}
