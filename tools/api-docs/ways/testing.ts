/**
 * The contracts of stores and origins, as tests of `node:test`.
 *
 * @module firstbyte/testing
 */
export * from '../../../dist/testing/index.js';
