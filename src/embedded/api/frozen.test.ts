import { expect, it } from 'vitest';
import { deepFreeze } from './frozen.ts';

const text = `{"metadata":{"name":"a","labels":{"__proto__":"x","app":"shop"},"finalizers":[]},"spec":{"list":[{"deep":["one"]},null,7,true],"long":"${'y'.repeat(200)}"}}`;

it('changes nothing of what it freezes', () => {
  for (let round = 0; round < 3; round++) expect(JSON.stringify(deepFreeze(JSON.parse(text)))).toBe(text);
});

it('freezes through and through, and what was frozen already may be part of it', () => {
  const inner = deepFreeze({ deep: { deeper: [1] } });
  const value = deepFreeze({ inner, list: [{ a: new Array<string>() }] });
  expect(() => value.inner.deep.deeper.push(2)).toThrow(TypeError);
  expect(() => value.list[0]?.a.push('b')).toThrow(TypeError);
  expect(() => Object.assign(value, { more: 1 })).toThrow(TypeError);
});

it('knows each of very many texts apart', () => {
  const values = Array.from({ length: 20_000 }, (_, n) => deepFreeze({ name: `name-${n}`, kind: 'Function' }));
  expect(values.every(({ name, kind }, n) => name === `name-${n}` && kind === 'Function')).toBe(true);
});
