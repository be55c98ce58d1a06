/** Route: which requests at the gateway go to which function. */
import { z } from 'zod';
import { defineCustom, exactlyOne, readyColumns } from './custom.ts';
import type { KubeObject } from './object.ts';
import { routes } from './resources.ts';
import { type Immutable, setOf, shortName } from './schema.ts';
import { statusFields } from './status-fields.ts';

const host = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

const spec = z.strictObject({
  match: z
    .strictObject({
      hosts: setOf(host, 32).optional().describe('Host names, `*.` in front stands for one label. None: any host.'),
      path: z
        .string()
        .max(1024)
        .regex(/^\/([^{}?#\s]|\{[A-Za-z_][A-Za-z0-9_]*\})*$/)
        .optional()
        .describe('The whole path; `{name}` stands for one segment.'),
      prefix: z
        .string()
        .max(1024)
        .regex(/^\/[^{}?#\s]*$/)
        .optional()
        .describe('What the path begins with, segment by segment.'),
      methods: setOf(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']), 7)
        .optional()
        .describe('HTTP methods. None: any.'),
    })
    .describe('Which requests: exactly one of path and prefix.'),
  auth: z
    .enum(['token'])
    .optional()
    .describe('`token`: requests need a token: that of the platform, or of an account of the namespace. Absent: what the Function says.'),
  backend: z.strictObject({ function: shortName.describe('A Function of the same namespace.') }).describe('Where they go.'),
});

const status = z.strictObject({ ...statusFields });

export type RouteSpec = Immutable<z.output<typeof spec>>;
export type RouteStatus = Immutable<z.output<typeof status>>;

export interface RouteResource extends KubeObject {
  readonly spec: RouteSpec;
  readonly status?: RouteStatus;
}

export const routeKind = defineCustom<RouteResource>(routes, {
  singular: 'route',
  description: 'Which requests go to which Function.',
  spec,
  status,
  columns: [
    { name: 'Hosts', type: 'string', jsonPath: '.spec.match.hosts', description: 'Host names.' },
    { name: 'Methods', type: 'string', jsonPath: '.spec.match.methods', description: 'Methods.' },
    { name: 'Path', type: 'string', jsonPath: '.spec.match.path', description: 'The whole path.' },
    { name: 'Prefix', type: 'string', jsonPath: '.spec.match.prefix', description: 'What the path begins with.' },
    { name: 'Function', type: 'string', jsonPath: '.spec.backend.function', description: 'Where requests go.' },
    { name: 'Auth', type: 'string', jsonPath: '.spec.auth', priority: 1, description: 'What requests must show.' },
    ...readyColumns,
  ],
  rules: [exactlyOne('spec.match', ['path', 'prefix'])],
});
