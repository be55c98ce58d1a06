import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedApi } from '../../embedded/api/index.ts';
import { kubeContract } from './kube.contract.ts';

kubeContract(async () => {
  const data = await mkdtemp(join(tmpdir(), 'tsumugi-kube-'));
  const api = await openEmbeddedApi({ data, listen: true });
  return {
    kubeconfig: api.kubeconfig,
    close: async () => {
      await api.close();
      await rm(data, { recursive: true });
    },
  };
});
