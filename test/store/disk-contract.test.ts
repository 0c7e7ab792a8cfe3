import { storeContract } from '../../src/testing/store-contract.ts';
import { evictionContract } from '../contract/eviction-contract.ts';
import { storeProperties } from '../contract/store-properties.ts';
import { openDiskStore, temporaryDirectory } from './disk-directory.ts';

storeContract('the disk store', async (t) => openDiskStore(await temporaryDirectory(t)));
storeProperties('the disk store', async (t) => openDiskStore(await temporaryDirectory(t)));

// Small blocks and segments put their edges into the middle of everything that the contract writes; and what was closed
// comes from the index.
const small = { blockSize: 4096, segmentSize: 64 * 4096, openFiles: 3, closedMemory: 0 };

storeContract('the disk store with small segments', async (t) => {
  return openDiskStore(await temporaryDirectory(t), small);
});
storeProperties('the disk store with small segments', async (t) => openDiskStore(await temporaryDirectory(t), small));

evictionContract('the disk store', async (t, options) =>
  openDiskStore(await temporaryDirectory(t), { ...options, blockSize: 16 * 1024 }),
);
