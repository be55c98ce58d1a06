/** The files of a real kubelet: what `test/e2e/pod-volumes.test.ts` asks of one machine. */
import { it } from 'vitest';
import { podVolumesSuite } from '../substrates/pod-volumes.ts';
import { kubernetesPods, podsMissing } from './kubernetes-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podVolumesSuite('a whole Kubernetes', kubernetesPods);
