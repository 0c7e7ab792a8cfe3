/** How often a property is tried: `usual` times in `npm test`, FIRSTBYTE_TEST_RUNS times where that is set, at length. */
export function runs(usual: number): number {
  return Number(process.env.FIRSTBYTE_TEST_RUNS ?? usual);
}
