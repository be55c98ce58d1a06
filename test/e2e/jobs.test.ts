/** Jobs on one machine: the suite that a whole Kubernetes passes too (`test/kubernetes`). */
import { it } from 'vitest';
import { jobsSuite } from '../substrates/jobs.ts';
import { embeddedPods, podsMissing } from './embedded-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else jobsSuite('one machine', embeddedPods);
