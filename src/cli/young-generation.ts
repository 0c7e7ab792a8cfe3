/**
 * How large V8's young generation grows: large enough that what a request leaves behind dies there, and no larger, since
 * all of it stays resident (docs/guide/benchmarks.md).
 *
 * V8 takes a limit only before a program begins. But at each turn it asks for the factor by which to grow. `cli.ts` sets
 * that to 1, and here it is 2 as long as the young generation is too small: also where V8 made it small again in an idle
 * time.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** In bytes. */
const enough = 8 * 1024 * 1024;

export function growYoungGeneration(): void {
  let factor = 1;
  const look = () => {
    const size = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? enough;
    const wanted = size < enough ? 2 : 1;
    if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
    factor = wanted;
  };
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}
