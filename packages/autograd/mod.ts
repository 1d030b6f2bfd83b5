/**
 * Reverse-mode differentiation: the tape and one derivative row per primitive.
 *
 * @module
 */

export {};
