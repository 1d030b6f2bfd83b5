/**
 * Numbers that the compiler knows, as types: a function with such parameters is compiled for each of them, with no more than what
 * that one needs.
 */

@unmanaged export class Zero { @inline n(): i32 { return 0; } }
@unmanaged export class One { @inline n(): i32 { return 1; } }
@unmanaged export class Two { @inline n(): i32 { return 2; } }
@unmanaged export class Three { @inline n(): i32 { return 3; } }
@unmanaged export class Four { @inline n(): i32 { return 4; } }
@unmanaged export class Five { @inline n(): i32 { return 5; } }
@unmanaged export class Seven { @inline n(): i32 { return 7; } }

/** The number that a type stands for. */
// @ts-ignore: decorator
@inline
export function n<N>(): i32 {
  return changetype<N>(0).n();
}
