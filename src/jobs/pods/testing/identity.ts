import type { JobIdentity } from '../job-identity.ts';

/** Where no job declares permissions. */
export const nobodyIs: JobIdentity = {
  accounts: { ensure: () => Promise.reject(new Error('there are no accounts')), remove: () => Promise.resolve() },
  listeners: { platform: { url: 'https://platform' }, kubernetes: { url: 'https://kubernetes' }, gatewayUrl: 'http://gateway' },
  audiences: { platform: 'tsumugi', gateway: 'tsumugi/gateway' },
};
