/** Passwords that people read from one screen and type on another. */
import { randomInt } from 'node:crypto';

/** Without letters and digits that look alike. */
const signs = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Four groups of five signs, such as `k7mqw-2xd9p-fh3tz-nc4ra`: 99 bits of chance. */
export function newPassword(): string {
  const group = () => Array.from({ length: 5 }, () => signs[randomInt(signs.length)]).join('');
  return Array.from({ length: 4 }, group).join('-');
}
