/** All scripts of the page, in bytes as they are sent: compressed as the browser takes them. */
import assert from 'node:assert/strict';
import type { Stage } from './stage.ts';

export async function scriptsOf({ browser, url }: Stage): Promise<{ readonly count: number; readonly bytes: number }> {
  // One that knows nothing yet, so that everything is sent.
  const context = await browser.newContext();
  const sizes: Promise<number>[] = [];
  context.on('response', (answer) => {
    if (answer.request().resourceType() !== 'script') return;
    sizes.push(
      answer.allHeaders().then((fields) => {
        assert.ok(fields['content-encoding'], `${answer.url()} is sent without compression`);
        return Number(fields['content-length']);
      }),
    );
  });
  const page = await context.newPage();
  await page.goto(`${url}-/#first-byte`);
  await page.getByText('live', { exact: true }).waitFor();
  // What draws charts is loaded with the first of them.
  await page.locator('canvas').first().waitFor();
  const known = await Promise.all(sizes);
  await context.close();
  return { count: known.length, bytes: known.reduce((sum, size) => sum + size, 0) };
}
