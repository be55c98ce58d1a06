/** Functions on one machine: the suite that a real Kubernetes passes too (`test/kubernetes/suites.test.ts`). */
import { embeddedSubstrate } from '../substrates/embedded.ts';
import { functionsSuite } from '../substrates/suite.ts';

functionsSuite('one machine', embeddedSubstrate);
