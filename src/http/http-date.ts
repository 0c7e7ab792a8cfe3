/**
 * Dates in header fields, in the three forms that a recipient must read (RFC 9110 §5.6.7), and as servers write them
 * besides.
 */

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

/** What origins write in place of these: another name for UTC or none, a day of one digit, no weekday, ISO 8601. */
const oddZone = '(?: ?(?:GMT|UTC?|Z|[+-]00:?00))?';
const oddWeekday = '(?:[a-z]{3,9}\\.?,? +)?';
const oddTime = '(?<hour>\\d?\\d):(?<minute>\\d\\d):(?<second>\\d\\d)(?:\\.\\d+)?';
const oddForms = [
  new RegExp(
    `^${oddWeekday}(?<day>\\d?\\d)[ -]+${month}[a-z]*[ -]+(?<year>\\d{4}|\\d\\d),? +${oddTime}${oddZone}$`,
    'i',
  ),
  new RegExp(`^${oddWeekday}${month} +(?<day>\\d?\\d) +${oddTime}${oddZone} (?<year>\\d{4})$`, 'i'),
  new RegExp(`^(?<year>\\d{4})-(?<monthNumber>\\d\\d)-(?<day>\\d\\d)[T ]${oddTime}${oddZone}$`, 'i'),
];

/** Wall-clock milliseconds; `null` for what is no HTTP date, and for days that no calendar has. */
export function parseHttpDate(value: string): number | null {
  return parsed(value, forms);
}

/** The same of what an origin wrote, as far as it can mean one moment only. */
export function parseOriginDate(value: string): number | null {
  return parsed(value, forms) ?? parsed(value.trim(), oddForms);
}

function parsed(value: string, all: readonly RegExp[]): number | null {
  for (const form of all) {
    const groups = form.exec(value)?.groups;
    if (groups !== undefined) return timestamp(groups);
  }
  return null;
}

function timestamp(groups: Record<string, string>): number | null {
  const { monthNumber } = groups;
  const monthIndex =
    monthNumber === undefined ? months.indexOf((groups.month ?? '').toLowerCase()) : Number(monthNumber) - 1;
  const day = Number(groups.day);
  const hour = Number(groups.hour);
  const minute = Number(groups.minute);
  const second = Number(groups.second);
  // 60 is a leap second.
  if (monthIndex < 0 || monthIndex > 11 || hour > 23 || minute > 59 || second > 60) return null;
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
