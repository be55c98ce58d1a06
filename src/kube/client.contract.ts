/**
 * What every driver of KubeClient on every server must do. Written against a real Kubernetes API server with its controllers
 * (`npm run test:cluster`), then run on the embedded one, in process and over HTTPS.
 */
import { describe } from 'vitest';
import { crudContract } from './contract/crud.contract.ts';
import { customContract } from './contract/custom.contract.ts';
import { deleteContract } from './contract/delete.contract.ts';
import { garbageContract } from './contract/garbage.contract.ts';
import { leaseContract } from './contract/lease.contract.ts';
import { listContract } from './contract/list.contract.ts';
import { namespaceContract } from './contract/namespace.contract.ts';
import { patchContract } from './contract/patch.contract.ts';
import { podContract } from './contract/pod.contract.ts';
import { type ContractServer, useBench } from './contract/bench.contract.ts';
import { validationContract } from './contract/validation.contract.ts';
import { watchContract } from './contract/watch.contract.ts';

export type { ContractServer };

/** Registers the suite; `open` is called once. */
export function kubeClientContract(open: () => Promise<ContractServer>): void {
  const bench = useBench(open);
  describe('create, get, update', () => crudContract(bench));
  describe('patch', () => patchContract(bench));
  describe('list', () => listContract(bench));
  describe('watch', () => watchContract(bench));
  describe('delete', () => deleteContract(bench));
  describe('validation', () => validationContract(bench));
  describe('pods', () => podContract(bench));
  describe('kinds of our own', () => customContract(bench));
  describe('leases', () => leaseContract(bench));
  describe('garbage collection', () => garbageContract(bench));
  describe('namespaces', () => namespaceContract(bench));
}
