/** The words of a real kubelet: what `test/e2e/pod-streams.test.ts` asks of one machine. */
import { it } from 'vitest';
import { podStreamsSuite } from '../substrates/pod-streams.ts';
import { kubernetesPods, podsMissing } from './kubernetes-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podStreamsSuite('a whole Kubernetes', kubernetesPods);
