/** The view that the address names: `#library`, `#try-it?url=…`. */
import { computed, signal } from '@preact/signals';

export const viewNames = ['now', 'first-byte', 'library', 'origins', 'try-it'] as const;
export type ViewName = (typeof viewNames)[number];

const hash = signal('');

export const route = computed(() => {
  const [name = '', query = ''] = hash.value.slice(1).split('?');
  const view = viewNames.find((known) => known === name) ?? 'now';
  return { view, query: new URLSearchParams(query) };
});

/** Follows the address from now on, for as long as the page is open. */
export function followAddress(): void {
  const read = () => {
    hash.value = location.hash;
  };
  addEventListener('hashchange', read);
  read();
}

export function linkTo(view: ViewName, query: Readonly<Record<string, string>> = {}): string {
  const words = new URLSearchParams(query).toString();
  return words === '' ? `#${view}` : `#${view}?${words}`;
}
