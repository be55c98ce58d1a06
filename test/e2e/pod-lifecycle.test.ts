/** Beginning and end of pods on one machine: the suite that a whole Kubernetes passes too (`test/kubernetes`). */
import { it } from 'vitest';
import { podLifecycleSuite } from '../substrates/pod-lifecycle.ts';
import { embeddedPods, podsMissing } from './embedded-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podLifecycleSuite('one machine', embeddedPods);
