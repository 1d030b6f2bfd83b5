/**
 * Matrix product methods.
 *
 * @module
 */

import * as ops from "../ops/matmul.ts";
import * as products from "../ops/products.ts";
import type { Tensor } from "../tensor.ts";
import { IndexingMethods } from "./indexing.ts";

/** `matmul`, `mm`, `bmm`, `mv`, `dot`, `addmm` … and their in-place forms. */
export class MatmulMethods extends IndexingMethods {
  /** See {@linkcode ops.matmul}. */
  matmul(this: Tensor, other: Tensor): Tensor {
    return ops.matmul(this, other);
  }
  /** See {@linkcode ops.mm}. */
  mm(this: Tensor, mat2: Tensor): Tensor {
    return ops.mm(this, mat2);
  }
  /** See {@linkcode ops.bmm}. */
  bmm(this: Tensor, mat2: Tensor): Tensor {
    return ops.bmm(this, mat2);
  }
  /** See {@linkcode ops.mv}. */
  mv(this: Tensor, vec: Tensor): Tensor {
    return ops.mv(this, vec);
  }
  /** See {@linkcode ops.dot}. */
  dot(this: Tensor, tensor: Tensor): Tensor {
    return ops.dot(this, tensor);
  }
  /** See {@linkcode ops.vdot}. */
  vdot(this: Tensor, other: Tensor): Tensor {
    return ops.vdot(this, other);
  }
  /** See {@linkcode ops.outer}. */
  outer(this: Tensor, vec2: Tensor): Tensor {
    return ops.outer(this, vec2);
  }
  /** See {@linkcode ops.ger}. */
  ger(this: Tensor, vec2: Tensor): Tensor {
    return ops.ger(this, vec2);
  }
  /** See {@linkcode ops.inner}. */
  inner(this: Tensor, other: Tensor): Tensor {
    return ops.inner(this, other);
  }
  /** See {@linkcode ops.addmm}. */
  addmm(this: Tensor, mat1: Tensor, mat2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addmm(this, mat1, mat2, options);
  }
  /** See {@linkcode ops.addmm_}. */
  addmm_(this: Tensor, mat1: Tensor, mat2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addmm_(this, mat1, mat2, options);
  }
  /** See {@linkcode ops.addmv}. */
  addmv(this: Tensor, mat: Tensor, vec: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addmv(this, mat, vec, options);
  }
  /** See {@linkcode ops.addmv_}. */
  addmv_(this: Tensor, mat: Tensor, vec: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addmv_(this, mat, vec, options);
  }
  /** See {@linkcode ops.addr}. */
  addr(this: Tensor, vec1: Tensor, vec2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addr(this, vec1, vec2, options);
  }
  /** See {@linkcode ops.addr_}. */
  addr_(this: Tensor, vec1: Tensor, vec2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addr_(this, vec1, vec2, options);
  }
  /** See {@linkcode ops.baddbmm}. */
  baddbmm(this: Tensor, batch1: Tensor, batch2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.baddbmm(this, batch1, batch2, options);
  }
  /** See {@linkcode ops.baddbmm_}. */
  baddbmm_(this: Tensor, batch1: Tensor, batch2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.baddbmm_(this, batch1, batch2, options);
  }
  /** See {@linkcode ops.addbmm}. */
  addbmm(this: Tensor, batch1: Tensor, batch2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addbmm(this, batch1, batch2, options);
  }
  /** See {@linkcode ops.addbmm_}. */
  addbmm_(this: Tensor, batch1: Tensor, batch2: Tensor, options?: ops.AddProductOptions): Tensor {
    return ops.addbmm_(this, batch1, batch2, options);
  }
  /** See {@linkcode products.kron}. */
  kron(this: Tensor, other: Tensor): Tensor {
    return products.kron(this, other);
  }
  /** See {@linkcode products.trace}. */
  trace(this: Tensor): Tensor {
    return products.trace(this);
  }
  /** See {@linkcode products.cross}. */
  cross(this: Tensor, other: Tensor, dim?: number | null | { readonly dim?: number | null }): Tensor {
    return products.cross(this, other, dim);
  }
}
