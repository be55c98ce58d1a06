/** Syntax of names, labels and keys: each answers the server's sentences about what is wrong, none when all is well. */

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualified = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const configKey = /^[-._a-zA-Z0-9]+$/;

const subdomainSays =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelSays =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const qualifiedSays =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueSays =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const configKeySays =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

export type Syntax = (value: string) => string[];

/** `my.name`: the name of most objects, at most 253 characters. */
export const dnsSubdomain: Syntax = (value) => [
  ...(value.length > 253 ? ['must be no more than 253 characters'] : []),
  ...(subdomain.test(value) ? [] : [subdomainSays]),
];

/** `my-name`: namespaces, containers; at most 63 characters. */
export const dnsLabel: Syntax = (value) => [
  ...(value.length > 63 ? ['must be no more than 63 characters'] : []),
  ...(label.test(value) ? [] : [value.includes('.') && subdomain.test(value) ? 'must not contain dots' : labelSays]),
];

/** `example.com/My_Name`: label keys, annotation keys (in lower case), finalizers. */
export const qualifiedName: Syntax = (value) => {
  const parts = value.split('/');
  if (parts.length > 2)
    return [`a valid label key ${qualifiedSays} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.at(-1) as string;
  const says: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === '') says.push('prefix part must be non-empty');
    else says.push(...dnsSubdomain(prefix).map((each) => `prefix part ${each}`));
  }
  if (name === '') says.push('name part must be non-empty');
  else if (name.length > 63) says.push('name part must be no more than 63 bytes');
  if (!qualified.test(name)) says.push(`name part ${qualifiedSays}`);
  return says;
};

export const labelValueSyntax: Syntax = (value) => [
  ...(Buffer.byteLength(value) > 63 ? ['must be no more than 63 bytes'] : []),
  ...(labelValue.test(value) ? [] : [labelValueSays]),
];

/** Key of a ConfigMap or Secret: a file name. */
export const configMapKey: Syntax = (value) => {
  const says: string[] = [];
  if (value.length > 253) says.push('must be no more than 253 characters');
  if (!configKey.test(value)) says.push(configKeySays);
  if (value === '.') says.push("must not be '.'");
  else if (value === '..') says.push("must not be '..'");
  else if (value.startsWith('..')) says.push("must not start with '..'");
  return says;
};
