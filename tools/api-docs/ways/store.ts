/**
 * The port of stores: what a store of your own must do. `firstbyte/testing` has the tests.
 *
 * @module firstbyte/store
 */
export * from '../../../dist/store/store.js';
