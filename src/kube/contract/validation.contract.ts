import { expect, it } from 'vitest';
import { type Bench, configMap, type ConfigMap, configMaps, failure, invalid, refusal, unique } from './bench.contract.ts';

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

export function validationContract(bench: Bench): void {
  const create = (body: object, fieldValidation?: 'Strict' | 'Warn' | 'Ignore'): Promise<ConfigMap> =>
    bench.client.create(configMaps, { ...configMap(bench.namespace, unique()), ...body }, fieldValidation ? { fieldValidation } : {});

  it('strict: names every unknown field', async () => {
    expect(await refusal(create({ foo: 1 }, 'Strict'))).toEqual(
      failure(400, 'BadRequest', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"'),
    );
    // In the order of the text; where there is none, sorted: here both are the same.
    const metadata = { name: unique(), namespace: bench.namespace, bar: 1 };
    expect(await refusal(create({ metadata, zoo: 1 }, 'Strict'))).toEqual(
      failure(
        400,
        'BadRequest',
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.bar", unknown field "zoo"',
      ),
    );
  });

  it('strict: a patch may add no unknown field', async () => {
    const made = await create({});
    const key = { namespace: bench.namespace, name: made.metadata.name };
    for (const type of ['merge', 'strategic'] as const) {
      const status = await refusal(bench.client.patch(configMaps, key, { type, body: { foo: 1 } }, { fieldValidation: 'Strict' }));
      expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
      expect(status.message).toContain('strict decoding error: unknown field "foo"');
    }
  });

  it('otherwise: drops what it does not know', async () => {
    for (const how of ['Ignore', 'Warn', undefined] as const) expect(await create({ foo: 1 }, how)).not.toHaveProperty('foo');
  });

  it('refuses values of a wrong type', async () => {
    const prefix = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal';
    expect(await refusal(create({ data: { a: 1 } }))).toEqual(
      failure(400, 'BadRequest', `${prefix} number into Go struct field ConfigMap.data of type string`),
    );
    expect(await refusal(create({ data: 'text' }))).toEqual(
      failure(400, 'BadRequest', `${prefix} string into Go struct field ConfigMap.data of type map[string]string`),
    );
  });

  it('refuses an object of another kind', async () => {
    expect(await refusal(create({ kind: 'Secret' }))).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(await refusal(create({ apiVersion: 'v2' }))).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  it('refuses a name that is no DNS subdomain', async () => {
    const status = await refusal(bench.client.create(configMaps, configMap(bench.namespace, 'Bad_Name')));
    expect(status).toEqual(
      invalid('ConfigMap', 'Bad_Name', 'metadata.name', 'FieldValueInvalid', `Invalid value: "Bad_Name": ${subdomain}`),
    );
  });

  it('refuses labels, keys and finalizers that are not well formed, all at once', async () => {
    const labelled = await refusal(create({ metadata: { name: 'bad', namespace: bench.namespace, labels: { 'a b': 'c d' } } }));
    expect(labelled).toMatchObject({ code: 422, reason: 'Invalid', details: { name: 'bad', kind: 'ConfigMap' } });
    expect(labelled.message).toMatch(
      /^ConfigMap "bad" is invalid: \[metadata\.labels: Invalid value: "a b": name part must consist of .*, metadata\.labels: Invalid value: "c d": a valid label must be .*\]$/,
    );
    expect(labelled.details?.causes?.map(({ reason, field }) => `${reason} ${field}`)).toEqual([
      'FieldValueInvalid metadata.labels',
      'FieldValueInvalid metadata.labels',
    ]);

    const keyed = await refusal(create({ metadata: { name: 'bad', namespace: bench.namespace }, data: { 'x y': '1' } }));
    expect(keyed.message).toMatch(/^ConfigMap "bad" is invalid: data\[x y\]: Invalid value: "x y": a valid config key must consist of /);

    const held = await refusal(create({ metadata: { name: 'bad', namespace: bench.namespace, finalizers: ['nodomain'] } }));
    const message = 'Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified';
    expect(held).toEqual(invalid('ConfigMap', 'bad', 'metadata.finalizers[0]', 'FieldValueInvalid', message));
  });

  it('refuses owners that are not complete', async () => {
    const owned = await refusal(
      create({
        metadata: {
          name: 'bad',
          namespace: bench.namespace,
          ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '' }],
        },
      }),
    );
    expect(owned.details?.causes).toEqual([
      { reason: 'FieldValueInvalid', message: 'Invalid value: "": must not be empty', field: 'metadata.ownerReferences.uid' },
    ]);
  });

  it('refuses more than a megabyte in a ConfigMap', async () => {
    const status = await refusal(create({ metadata: { name: 'big', namespace: bench.namespace }, data: { a: 'x'.repeat(1 << 20) + 'x' } }));
    expect(status).toEqual(
      failure(422, 'Invalid', 'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes', {
        name: 'big',
        kind: 'ConfigMap',
        causes: [{ reason: 'FieldValueTooLong', message: 'Too long: may not be more than 1048576 bytes', field: '[]' }],
      }),
    );
  });
}
