/** Executions of containers on one machine: the suite that a real Kubernetes passes too. */
import { embeddedSubstrate } from '../substrates/embedded.ts';
import { executionsSuite } from '../substrates/executions.ts';

executionsSuite('one machine', embeddedSubstrate);
