/** Header fields as they came: pairs in order, names in lower case, duplicates kept (RFC 9110 §5). */

export type Fields = ReadonlyArray<readonly [name: string, value: string]>;
