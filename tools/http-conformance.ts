/** docs/reference/http-conformance.md: which required tests of the public cache suite fail, and why. */

/** The edition that npm has, of a mount in strict mode: how many there are, and how many have to pass. */
export const required = { all: 157, passing: 147 };
export const optional = { all: 86, passing: 74 };

interface Explained {
  readonly tests: readonly string[];
  readonly reason: string;
}

/** Every required test that fails. */
export const explained: readonly Explained[] = [
  {
    tests: [
      'stale-close-must-revalidate',
      'stale-close-proxy-revalidate',
      'stale-close-no-cache',
      'stale-close-s-maxage=2',
    ],
    reason:
      'The origin closes the connection, and a stored answer may not be served. This edition wants a 200 of the origin all ' +
      'the same, which nobody can have. A client gets 502, as later editions of the suite ask for.',
  },
  {
    tests: ['age-parse-dup-0', 'age-parse-dup-old'],
    reason:
      'Of a list in one `Age` line the first member counts (RFC 9111 §5.1), as later editions of the suite ask for. ' +
      'This one wants the answer to be stale.',
  },
  {
    tests: ['headers-store-Set-Cookie', '304-etag-update-response-Set-Cookie'],
    reason:
      'A `Set-Cookie` is for one client, and all origins have one address here: the cookie of one would go to all. ' +
      'It is neither passed on nor stored.',
  },
  {
    tests: ['headers-store-Transfer-Encoding'],
    reason:
      'The body is in a transfer coding that nobody knows or asked for. Without its name, which is for one hop, it would be ' +
      'other bytes: the answer is 502.',
  },
  {
    tests: ['304-etag-update-response-ETag'],
    reason:
      'A 304 that names another entity tag may not update what is stored (RFC 9111 §4.3.4). The target is asked for once ' +
      'more without a condition, which the suite counts as a retry.',
  },
];

export function conformanceReference(): string {
  const rows = explained.map(({ tests, reason }) => `| ${tests.map((id) => `\`${id}\``).join(', ')} | ${reason} |`);
  return `# HTTP conformance

Made from the table in \`tools/http-conformance.ts\` by \`tools/reference.ts\`; do not edit.

The public suite [http-cache-tests](https://cache-tests.fyi/) runs as it is shipped, against an origin in strict mode
(\`cache: "rfc9111"\`, \`methods: ["POST", "PUT", "DELETE", "M-SEARCH"]\`). Of the edition that npm has, ${required.passing} of
${required.all} required tests and at least ${optional.passing} of ${optional.all} optional ones pass; every run of all tests
checks that. These required ones fail, and no others:

| tests | why |
|---|---|
${rows.join('\n')}

An \`Age\` that is no number, or that stands in two lines, tells no age. Strict mode takes such an answer for stale. The
standard lets a cache take it for young, as other modes do.

Other modes go further than the standard on purpose: [HTTP](http.md) says where, and why.
`;
}
