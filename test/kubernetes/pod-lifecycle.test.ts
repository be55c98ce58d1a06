/** What a real kubelet makes of it: what `test/e2e/pod-lifecycle.test.ts` asks of one machine. */
import { it } from 'vitest';
import { podLifecycleSuite } from '../substrates/pod-lifecycle.ts';
import { kubernetesPods, podsMissing } from './kubernetes-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podLifecycleSuite('a whole Kubernetes', kubernetesPods);
