/**
 * The library: `createFirstbyte` for programs that want media, `startDaemon` for the whole process.
 *
 * @module firstbyte
 */
export * from '../../../dist/index.js';
