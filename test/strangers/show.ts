/**
 * What a hostile mount reaches in a real Chromium, as a list.
 *
 *   node test/strangers/show.ts            through these sources
 *   node test/strangers/show.ts CLI        through the `cli` of another build
 */
import { vehicles } from './hostile-origin.ts';
import { Scene } from './scene.ts';

await using scene = await Scene.set(process.argv[2]);
const { context, page } = await scene.operator();
const { origin, tried, reached } = await scene.attack(page);
console.log(`A page of the web origin ${origin} tried ${tried} things and reached ${Object.keys(reached).length}:`);
for (const [what, got] of Object.entries(reached)) console.log(`  ${what}: ${got}`);
const { jobs } = await scene.ask<{ jobs: unknown[] }>('/jobs');
console.log(`It started ${jobs.length} jobs.`);
await context.close();

console.log('\nDocuments that ran a script, and what that reached:');
for (const vehicle of Object.keys(vehicles)) {
  const visitor = await scene.browser.newContext();
  const got = await scene.probe(await visitor.newPage(), vehicle);
  console.log(`  ${vehicle}: ${got === null ? 'ran nothing' : got.join(', ') || 'nothing'}`);
  await visitor.close();
}
