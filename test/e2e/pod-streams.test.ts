/** kubectl exec, attach, cp, port-forward and logs on one machine: the suite that a whole Kubernetes passes too (`test/kubernetes`). */
import { it } from 'vitest';
import { podStreamsSuite } from '../substrates/pod-streams.ts';
import { embeddedPods, podsMissing } from './embedded-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podStreamsSuite('one machine', embeddedPods);
