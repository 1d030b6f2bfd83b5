/**
 * Modules, parameters and the functions they are made of.
 *
 * @module
 */

export {};
