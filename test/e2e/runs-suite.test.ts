/** Runs on one machine: the suite that a real Kubernetes passes too (`test/kubernetes/suites.test.ts`). */
import { embeddedSubstrate } from '../substrates/embedded.ts';
import { runsSuite } from '../substrates/runs.ts';

runsSuite('one machine', embeddedSubstrate);
