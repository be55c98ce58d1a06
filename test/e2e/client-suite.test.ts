/** Programs that use the platform on one machine: the suite that a real Kubernetes passes too (`test/kubernetes/suites.test.ts`). */
import { clientSuite } from '../substrates/client.ts';
import { embeddedSubstrate } from '../substrates/embedded.ts';

clientSuite('one machine', embeddedSubstrate);
