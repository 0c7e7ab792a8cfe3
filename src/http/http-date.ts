/** Dates in header fields, in the three forms that a recipient must read (RFC 9110 §5.6.7). */

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const weekday = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const weekdayLong = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const month = '(?<month>[a-z]{3})';
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

/** Any case, as RFC 9111 §4.2 advises caches. */
const forms = [
  new RegExp(`^${weekday}, (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`, 'i'),
  new RegExp(`^${weekdayLong}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`, 'i'),
  new RegExp(`^${weekday} ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`, 'i'),
];

/** Wall-clock milliseconds; `null` for what is no HTTP date, and for days that no calendar has. */
export function parseHttpDate(value: string): number | null {
  for (const form of forms) {
    const groups = form.exec(value)?.groups;
    if (groups !== undefined) return timestamp(groups);
  }
  return null;
}

function timestamp(groups: Record<string, string>): number | null {
  const monthIndex = months.indexOf((groups.month ?? '').toLowerCase());
  const day = Number(groups.day);
  const hour = Number(groups.hour);
  const minute = Number(groups.minute);
  const second = Number(groups.second);
  // 60 is a leap second.
  if (monthIndex < 0 || hour > 23 || minute > 59 || second > 60) return null;
  const midnight = Date.UTC(fullYear(groups.year ?? ''), monthIndex, day);
  if (new Date(midnight).getUTCDate() !== day) return null;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** Two digits mean a year from 1970 to 2069: the web is no older, and the next century is far enough away. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length !== 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}
