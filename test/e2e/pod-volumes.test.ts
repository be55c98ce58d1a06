/** Volumes and variables of pods on one machine: the suite that a whole Kubernetes passes too (`test/kubernetes`). */
import { it } from 'vitest';
import { podVolumesSuite } from '../substrates/pod-volumes.ts';
import { embeddedPods, podsMissing } from './embedded-pods.ts';

if (podsMissing !== undefined) it.skip(podsMissing);
else podVolumesSuite('one machine', embeddedPods);
