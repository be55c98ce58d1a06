import { expect, test } from 'vitest';
import { kinds } from '../../resources/kinds.ts';
import { apiVersionOf } from './core.ts';
import { subjectOf } from './observer.ts';
import type { ApiRequest } from './request.ts';

const server = {
  kindOf: (wanted: { group: string; version: string; plural: string }) =>
    kinds.find((kind) => apiVersionOf(kind) === apiVersionOf(wanted) && kind.plural === wanted.plural),
};

test.each([
  ['GET', '/api/v1/namespaces/n/pods/p', 'get', 'pods'],
  ['GET', '/api/v1/namespaces/n/pods/p/log', 'get', 'pods/log'],
  ['GET', '/api/v1/pods?watch=true', 'watch', 'pods'],
  ['GET', '/api/v1/watch/pods', 'watch', 'pods'],
  ['GET', '/apis/tsumugi.dev/v1/functions', 'list', 'functions.tsumugi.dev'],
  ['POST', '/apis/tsumugi.dev/v1/namespaces/n/functions', 'create', 'functions.tsumugi.dev'],
  ['PATCH', '/apis/tsumugi.dev/v1/namespaces/n/functions/f/status', 'patch', 'functions.tsumugi.dev/status'],
  ['DELETE', '/api/v1/namespaces/n/secrets', 'deletecollection', 'secrets'],
  // Whatever strangers send makes no new series.
  ['GET', '/api/v1/namespaces/n/pods/p/whatever', 'get', 'pods'],
  ['GET', '/apis/unknown/v1/things/x', 'get', ''],
  ['GET', '/%zz/api', 'get', ''],
  ['BREW', '/version', 'other', ''],
])('%s %s is counted as %s of "%s"', (method, path, verb, resource) => {
  const { pathname, searchParams: query } = new URL(path, 'https://api');
  expect(subjectOf({ method, path: pathname, query } as ApiRequest, server)).toEqual({ verb, resource });
});
