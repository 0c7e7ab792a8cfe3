import { evictionContract } from '../contract/eviction-contract.ts';
import { storeContract } from '../contract/store-contract.ts';
import { openDiskStore, temporaryDirectory } from './disk-directory.ts';

storeContract('the disk store', async (t) => openDiskStore(await temporaryDirectory(t)));

// Small blocks and segments put their edges into the middle of everything that the contract writes.
storeContract('the disk store with small segments', async (t) => {
  return openDiskStore(await temporaryDirectory(t), { blockSize: 4096, segmentSize: 64 * 4096, openFiles: 3 });
});

evictionContract('the disk store', async (t, options) =>
  openDiskStore(await temporaryDirectory(t), { ...options, blockSize: 16 * 1024 }),
);
