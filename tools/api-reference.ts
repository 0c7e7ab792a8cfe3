/** docs/reference/api.md, from the OpenAPI document that the control API itself gives. */

import { Folders } from '../src/admin/folders.ts';
import { Holdings } from '../src/admin/holdings.ts';
import { Sources } from '../src/admin/sources.ts';
import { Cache } from '../src/cache/cache.ts';
import { systemClock as clock } from '../src/clock.ts';
import { loadSettings } from '../src/config.ts';
import { createControl } from '../src/control/control-api.ts';
import { noClients } from '../src/control/gauges.ts';
import { EventBus } from '../src/events.ts';
import { nothingLent } from '../src/lent.ts';
import { createMemoryStore } from '../src/store/memory-store.ts';

/** As much of JSON Schema as the document uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}

interface OpenApi {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const document = await readDocument();

export function apiReference(): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
  const subjects = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ tags }) => tags.includes(name)).map(operationEntry);
    return `## ${name[0]?.toUpperCase()}${name.slice(1)}\n\n${description}\n\n${own.join('\n')}`;
  });
  const schemas = Object.entries(document.components.schemas)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, schema]) => schemaEntry(name, schema));
  return `# The control API

Made from the OpenAPI document of \`src/control/\` by \`tools/reference.ts\`; do not edit. A running firstbyte gives the
document at \`/-/api/v1/openapi.json\`; [steering](../guide/steering.md) shows how it is used.

${document.info.description.replace(/^.*\n\n/, '')}

Every path with GET has HEAD. Every path can also answer 401, 403, 415, 421 and 500.

${subjects.join('\n')}
## The parts of the answers

${schemas.join('\n')}`;
}

/** Of a control API that is there for this alone. */
async function readDocument(): Promise<OpenApi> {
  const events = new EventBus();
  const store = createMemoryStore({ clock });
  const { settings } = loadSettings({ env: { HOME: '/' } });
  const policy = { ...settings, fill: 'window', prefetch: true } as const;
  const cache = new Cache({ ...settings, mounts: new Map(), store, policy, clock, events, random: () => 0 });
  const open = () => {
    throw new Error('nobody hands in a source here');
  };
  const control = createControl({
    fills: cache,
    holdings: new Holdings({ cache, store, events, clock }),
    sources: new Sources({ cache, clock, isPrivateHost: () => true, open }),
    folders: new Folders(cache, clock),
    origins: () => [],
    settings: () => [],
    events,
    clock,
    unready: () => null,
    clients: () => noClients,
    lent: () => nothingLent,
  });
  control.stop();
  return JSON.parse(JSON.stringify(await control.document()));
}

const everywhere = new Set(['401', '403', '413', '415', '421', '500']);

function operationEntry({
  method,
  path,
  summary,
  parameters = [],
  requestBody,
  responses,
}: Operation & { method: string; path: string }) {
  const asked = parameters.map(
    ({ name, in: place, required = false, description = '', schema }) =>
      `| \`${name}\` | ${place} | ${cell(typeOf(schema))} | ${cell(wordsOf({ ...schema, description: schema.description ?? description }, required))} |`,
  );
  const table = asked.length === 0 ? '' : `\n| | in | | |\n|---|---|---|---|\n${asked.join('\n')}\n`;
  const content = requestBody === undefined ? '' : `\nTakes ${typeOf(schemaOf(requestBody))}.\n`;
  const answers = Object.entries(responses)
    .filter(([status]) => !everywhere.has(status))
    .map(([status, reply]) => {
      const schema = Number(status) < 400 ? schemaOf(reply) : {};
      const type = schema === schemaless ? '' : typeOf(schema);
      return `- ${status}: ${reply.description}${Number(status) < 400 && type !== '' ? ` ${type}` : ''}`;
    });
  return `### \`${method} ${path}\`\n\n${summary}.\n${table}${content}\n${answers.join('\n')}\n`;
}

const schemaless: Schema = {};

function schemaOf({ content = {} }: Content): Schema {
  return Object.values(content)[0]?.schema ?? schemaless;
}

function schemaEntry(name: string, schema: Schema): string {
  const { description = '', properties = {}, required = [] } = schema;
  const rows = Object.entries(properties).map(
    ([key, value]) => `| \`${key}\` | ${cell(typeOf(value))} | ${cell(wordsOf(value, required.includes(key)))} |`,
  );
  const table = rows.length === 0 ? `${typeOf(schema)}\n` : `| | | |\n|---|---|---|\n${rows.join('\n')}\n`;
  return `### ${name}\n\n${description === '' ? '' : `${description}\n\n`}${table}`;
}

/** What a value is, in few words; what has a name of its own is named. */
function typeOf(schema: Schema): string {
  const { $ref, type, enum: words, const: only, items, prefixItems, properties, additionalProperties } = schema;
  if ($ref !== undefined) return `[${nameIn($ref)}](#${nameIn($ref).toLowerCase()})`;
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (several !== undefined) return several.map(typeOf).join(' or ');
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  const types = [type ?? 'anything'].flat().map((each) => {
    if (each === 'array' && prefixItems !== undefined) return `[${prefixItems.map(typeOf).join(', ')}]`;
    if (each === 'array') return `list of ${typeOf(items ?? {})}`;
    if (each !== 'object') return each;
    if (properties !== undefined) return objectOf(properties);
    return typeof additionalProperties === 'object' ? `${typeOf(additionalProperties)} by name` : 'object';
  });
  return types.join(' or ');
}

function objectOf(properties: Readonly<Record<string, Schema>>): string {
  const inside = Object.entries(properties).map(([key, value]) => `\`${key}\`: ${typeOf(value)}`);
  return inside.length === 0 ? '`{}`' : `{${inside.join('; ')}}`;
}

function wordsOf({ description = '', example, default: preset }: Schema, required: boolean): string {
  const parts = [
    description,
    example === undefined ? '' : `Such as \`${JSON.stringify(example)}\`.`,
    preset === undefined ? '' : `Default: \`${JSON.stringify(preset)}\`.`,
    required || preset !== undefined ? '' : 'May be left out.',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function nameIn(reference: string): string {
  return reference.split('/').at(-1) ?? '';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
