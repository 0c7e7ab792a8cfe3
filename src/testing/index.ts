/** The contracts of the two ports, for programs that have a store or an origin of their own (`firstbyte/testing`). */
export { type OriginBench, originContract, type Peer } from './origin-contract.ts';
export { storeContract } from './store-contract.ts';
