/**
 * The port of origins: what an origin of your own must do. `firstbyte/testing` has the tests.
 *
 * @module firstbyte/origin
 */
export * from '../../../dist/origin/origin.js';
