/** Whether the page is dark now: what is painted, and not styled, is painted again when that changes. */
import { signal } from '@preact/signals';

const preference = matchMedia('(prefers-color-scheme: dark)');

export const darkness = signal(preference.matches);
preference.addEventListener('change', () => {
  darkness.value = preference.matches;
});
