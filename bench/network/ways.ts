/**
 * How a film is played. `single` is through firstbyte with one connection for a title (`parallelFetches` 1), `asked`
 * through one that fetches only what players ask for (`prefetch` off).
 */
export const ways = ['direct', 'firstbyte', 'single', 'asked'] as const;
export type Way = (typeof ways)[number];
