/** Whether the page is dark. Canvases are painted again when this changes. */
import { signal } from '@preact/signals';

const preference = matchMedia('(prefers-color-scheme: dark)');

export const darkness = signal(preference.matches);
preference.addEventListener('change', () => {
  darkness.value = preference.matches;
});
