/** The filter and order of the stored titles. */
import { useEffect, useId, useState } from 'preact/hooks';
import type { OriginReport } from '../../src/control/answers.ts';
import type { Question } from './shelf.ts';

export type FilterWords = Question;

interface FiltersProps {
  readonly words: FilterWords;
  readonly origins: readonly OriginReport[];
  readonly onChange: (words: FilterWords) => void;
}

/** The search begins after so many milliseconds without a key. */
const typingPause = 200;

const sorts: Readonly<Record<FilterWords['sort'], string>> = {
  '-used': 'recently played first',
  used: 'longest unplayed first',
  path: 'by path, A to Z',
  '-path': 'by path, Z to A',
  '-bytes': 'largest first',
  bytes: 'smallest first',
};

const states: Readonly<Record<string, string>> = {
  '': 'in any state',
  complete: 'complete',
  filling: 'downloading',
  paused: 'paused',
  idle: 'incomplete',
  failed: 'failed',
};

export function Filters({ words, origins, onChange }: FiltersProps) {
  const [typed, setTyped] = useState(words.q);
  const id = useId();
  useEffect(() => {
    if (typed === words.q) return;
    const timer = setTimeout(() => onChange({ ...words, q: typed }), typingPause);
    return () => clearTimeout(timer);
  }, [typed, words, onChange]);
  return (
    <search>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label for={`${id}-q`} class="unseen">
          Search
        </label>
        <input
          id={`${id}-q`}
          type="search"
          placeholder="Search paths"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <Choice
          label="Origin"
          value={words.origin}
          choices={{ '': 'of any origin', ...Object.fromEntries(origins.map(({ name }) => [name, name])) }}
          onChange={(origin) => onChange({ ...words, origin })}
        />
        <Choice
          label="State"
          value={words.state}
          choices={states}
          onChange={(state) => onChange({ ...words, state })}
        />
        <Choice
          label="Order"
          value={words.sort}
          choices={sorts}
          onChange={(sort) => onChange({ ...words, sort: sort as FilterWords['sort'] })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={words.pinned}
            onChange={(event) => onChange({ ...words, pinned: event.currentTarget.checked })}
          />
          pinned only
        </label>
      </form>
    </search>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, choices, onChange }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {Object.entries(choices).map(([name, words]) => (
        <option key={name} value={name}>
          {words}
        </option>
      ))}
    </select>
  );
}
