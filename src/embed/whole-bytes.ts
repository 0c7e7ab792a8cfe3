/** Numbers of bytes that programs give: any other number would be asked for, and waited for. */

/** @throws {RangeError} */
export function judgeBytes(option: string, given: number, least = 0): void {
  if (Number.isSafeInteger(given) && given >= least) return;
  throw new RangeError(`${option}: ${String(given)} is not a whole number of bytes, ${least} or more.`);
}
