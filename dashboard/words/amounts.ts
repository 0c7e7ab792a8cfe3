/** Bytes, speeds and shares in words: three digits at most, decimal units as origins and disks use them. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** "0 B", "999 B", "12.4 MB", "1.02 GB". */
export function bytesText(bytes: number): string {
  let power = 0;
  let amount = bytes;
  // A value that would round to 1000 becomes 1 of the next unit.
  while (amount >= 999.5 && power < units.length - 1) {
    amount /= 1000;
    power += 1;
  }
  return `${power === 0 ? Math.round(amount) : threeDigits(amount)} ${units[power]}`;
}

/** "1.2 MB/s". */
export function speedText(bytesASecond: number): string {
  return `${bytesText(bytesASecond)}/s`;
}

/** "0 %", "<1 %", "62 %"; 100 only where all is present. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %';
  return `${Math.floor(share * 100 + 1e-9)} %`;
}

/** "1 object", "1,204 objects". */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** A whole number in groups of three digits: "1,204". `Intl` would take a tenth of a second to load. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function threeDigits(amount: number): string {
  if (amount >= 99.95) return amount.toFixed(0);
  return String(Number(amount.toFixed(amount >= 9.995 ? 1 : 2)));
}
