/** Durations and moments in words. */

/** "0 ms", "340 ms", "12.4 s", "3 min 10 s", "2 h 5 min", "4 d 3 h". */
export function durationText(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.floor(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** "just now", "3 min ago"; one unit is enough for the past. */
export function agoText(moment: string, now: number): string {
  const past = now - Date.parse(moment);
  if (!(past >= 5000)) return 'just now';
  const [number, unit] = durationText(Math.round(past / 1000) * 1000).split(' ');
  return `${Math.floor(Number(number))} ${unit} ago`;
}

/** The time of day, to the second, as the reader's own settings write it. */
export function timeOfDay(moment: string): string {
  return new Date(moment).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** The date and the time of day where the reader is: "2026-11-24 09:05:03". */
export function dateText(moment: string): string {
  const date = new Date(moment);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
