/** Jobs under a real controller and kubelet: what `test/e2e/jobs.test.ts` asks of one machine. */
import { it } from 'vitest';
import { jobsSuite } from '../substrates/jobs.ts';
import { kubernetesPods, podsMissing } from './kubernetes-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else jobsSuite('a whole Kubernetes', kubernetesPods);
