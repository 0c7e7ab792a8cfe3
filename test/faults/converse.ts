/**
 * `npm run converse`: plays conversations by chance and tells which of them went wrong.
 *
 *   npm run converse                         10,000 of them; `npm test` plays the first 300
 *   npm run converse -- --seed 4711          one of them, told in full
 */
import { parseArgs } from 'node:util';
import { conversationOf, converse } from './conversation.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10000' }, seed: { type: 'string' } } });

if (values.seed !== undefined) {
  const conversation = conversationOf(Number(values.seed));
  console.log(JSON.stringify(conversation, null, 2));
  console.log(`${await converse(conversation)} answers were compared`);
} else {
  let [failed, compared] = [0, 0];
  for (let seed = 1; seed <= Number(values.seeds); seed += 1) {
    try {
      compared += await converse(conversationOf(seed));
    } catch (error) {
      failed += 1;
      console.log(`npm run converse -- --seed ${seed}\n${error instanceof Error ? error.message : error}`);
    }
  }
  console.log(`${values.seeds} conversations, ${compared} answers compared, ${failed} conversations went wrong`);
  process.exitCode = failed > 0 ? 1 : 0;
}
