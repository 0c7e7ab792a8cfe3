/** Which film of a series comes after another, by their names: `S01E02`, `s1e2`, `1x02`. Pure. */

const forms = [/s(\d{1,2})[ ._-]?e(\d{1,3})/i, /(?<!\d)(\d{1,2})x(\d{2,3})(?!\d)/i] as const;

interface Numbered {
  readonly season: number;
  readonly episode: number;
  /** What stands before the number: the name of the series. */
  readonly series: string;
}

function numbersOf(name: string): Numbered | null {
  for (const form of forms) {
    const found = form.exec(name);
    const [, season = '', episode = ''] = found ?? [];
    if (found !== null) {
      const series = name
        .slice(0, found.index)
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, ' ')
        .trim();
      return { season: Number(season), episode: Number(episode), series };
    }
  }
  return null;
}

/** The one of `names` that comes after `name`: the next episode, or the first of the next season. `null` for none. */
export function episodeAfter(name: string, names: readonly string[]): string | null {
  const here = numbersOf(name);
  if (here === null) return null;
  const others = names.map((each) => ({ each, at: numbersOf(each) }));
  const isAt = (season: number, episode: number) =>
    others.find(({ at }) => at?.season === season && at.episode === episode && at.series === here.series)?.each ?? null;
  return isAt(here.season, here.episode + 1) ?? isAt(here.season + 1, 1);
}

/** The same name with the next number; `null` where it has none. */
export function nameAfter(name: string): string | null {
  for (const form of forms) {
    const found = form.exec(name);
    const [whole = '', , episode = ''] = found ?? [];
    if (found === null) continue;
    const next = String(Number(episode) + 1).padStart(episode.length, '0');
    return name.slice(0, found.index) + whole.slice(0, -episode.length) + next + name.slice(found.index + whole.length);
  }
  return null;
}
