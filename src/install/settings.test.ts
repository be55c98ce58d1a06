import { describe, expect, test } from 'vitest';
import { TsumugiError } from '../base/errors.ts';
import { checkSettings, defaultSettings, type InstallSettings, type ServiceType } from './settings.ts';

const defaults = defaultSettings('1.2.3');
const check = (wish: Partial<InstallSettings>) => () => checkSettings({ ...defaults, ...wish });

describe('checkSettings', () => {
  test('takes the defaults, and what a cluster may ask for', () => {
    expect(check({})()).toEqual(defaults);
    expect(defaults.images).toEqual({
      'tsumugi/binary': 'tsumugi/binary:1.2.3',
      'tsumugi/node': 'tsumugi/node:1.2.3',
      'tsumugi/platform': 'tsumugi/platform:1.2.3',
    });
    const digest = `registry.example.com:5000/t/node@sha256:${'0'.repeat(64)}`;
    expect(check({ images: { ...defaults.images, 'tsumugi/node': digest }, databaseSecret: 'records', gateways: 9 })().gateways).toBe(9);
  });

  test.each<[string, Partial<InstallSettings>]>([
    ['--namespace', { namespace: 'My_Space' }],
    ['--namespace', { namespace: 'default' }],
    ['--namespace', { namespace: 'kube-system' }],
    ['--gateways', { gateways: 0 }],
    ['--database-secret', { databaseSecret: 'a b' }],
    ['--image-pull-secret', { imagePullSecrets: ['fine', 'Not'] }],
    ['--gateway-url', { gatewayUrl: 'functions.example.com' }],
    ['--domain', { domain: 'http://example.com' }],
    ['--service-type', { serviceType: 'External' as ServiceType }],
    ['--image', { images: { ...defaults.images, 'tsumugi/node': 'a,tsumugi/platform=b' } }],
    ['--image', { images: { ...defaults.images, 'tsumugi/python': 'x' } as InstallSettings['images'] }],
  ])('refuses what cannot be, naming the flag: %s %o', (flag, wish) => {
    expect(check(wish)).toThrow(TsumugiError);
    expect(check(wish)).toThrow(flag);
  });
});
