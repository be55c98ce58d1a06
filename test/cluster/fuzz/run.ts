/** A sequence of operations on one server: what it answers, and what its watches tell. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type Loose, nameIn, type Session } from '../differential/session.ts';
import { identity, type Kind, type Operation, type Sequence } from './operations.ts';

/** How long the garbage collector may take. */
const settleMs = 15_000;

const contentOf: Readonly<Partial<Record<Kind, object>>> = {
  pods: { spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i:1' }] } },
  functions: { spec: { source: { inline: 'x' } } },
  routes: { spec: { match: { path: '/' }, backend: { function: 'f' } } },
};

export class Run {
  readonly #session: Session;
  /** uid and version that each object last showed, by `kind/name`. */
  readonly #seen = new Map<string, { readonly uid: string; readonly version: string }>();
  readonly #used: ReadonlySet<Kind>;
  readonly #isOwned: boolean;
  #marks: string[] = [];

  constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#used = new Set(sequence.operations.flatMap((each) => ('kind' in each ? [each.kind] : [])));
    this.#isOwned = JSON.stringify(sequence.operations).includes('ownerReferences');
  }

  async play({ operations, watches }: Sequence): Promise<void> {
    await this.#mark();
    for (const operation of operations) {
      await this.#do(operation);
      if (this.#isOwned) await this.#settle();
    }
    for (const [index, { kind, from, selector }] of watches.entries()) {
      const last = `zz-last-${index}`;
      // Its event says that the watch has told all.
      const sentinel = { ...identity[kind], ...contentOf[kind], metadata: { name: last, labels: { l: 'x', m: '1' } } };
      await this.#session.create(kind, sentinel, { quiet: true });
      const mark = this.#marks[Math.min(from, this.#marks.length - 1)] as string;
      const query = `resourceVersion=${mark}&timeoutSeconds=10${selector && `&labelSelector=${encodeURIComponent(selector)}`}`;
      const events = await this.#session.watch(`${kind}?${query}`, { last });
      // The garbage collectors of two servers take their own order.
      if (this.#isOwned) events.sort((a, b) => String(nameIn(a)).localeCompare(String(nameIn(b))));
      await this.#session.delete(`${kind}/${last}?gracePeriodSeconds=0`, undefined, { quiet: true });
    }
  }

  /** Nothing is left, so that the next sequence begins with nothing. */
  async clear(): Promise<void> {
    for (const kind of this.#used) {
      for (let attempt = 0; ; attempt++) {
        const left = await this.#list(kind);
        if (left.length === 0) break;
        if (attempt === 100) throw new Error(`${kind} cannot be cleared`);
        for (const { metadata } of left) {
          if (metadata?.['finalizers'])
            await this.#session.patch('merge', `${kind}/${String(metadata['name'])}`, { metadata: { finalizers: null } }, { quiet: true });
        }
        for (const { metadata } of left)
          await this.#session.delete(
            `${kind}/${String(metadata?.['name'])}`,
            { gracePeriodSeconds: 0, propagationPolicy: 'Background' },
            { quiet: true },
          );
      }
    }
  }

  async #do(operation: Operation): Promise<void> {
    if (operation.do === 'mark') return this.#mark();
    const { kind } = operation;
    const s = this.#session;
    if (operation.do === 'list') return this.#pages(kind, operation.query);
    if (operation.do === 'clear') {
      await s.delete(withQuery(kind, operation.query), { gracePeriodSeconds: 0 });
      return;
    }
    if (operation.do === 'create') {
      const sent = { ...identity[kind], ...operation.body };
      return this.#remember(kind, await s.create(withQuery(kind, operation.query), this.#filled(sent)));
    }
    const target = `${kind}/${operation.name}`;
    if (operation.do === 'get') return this.#remember(kind, await s.get(target));
    if (operation.do === 'delete') return this.#remember(kind, await s.delete(target, this.#filled(operation.options)));
    const where = withQuery(operation.do === 'patch' && operation.status ? `${target}/status` : target, operation.query);
    if (operation.do === 'update') {
      const sent = { ...identity[kind], ...operation.body };
      return this.#remember(kind, await s.update(where, this.#filled(kind === 'pods' ? await this.#admitted(target, sent) : sent)));
    }
    const { type, body } = operation;
    const sent = type === 'apply' ? { ...identity[kind], ...(body as object) } : body;
    if (type === 'apply') (sent as Loose).metadata = { ...(sent as Loose).metadata, name: operation.name };
    return this.#remember(kind, await s.patch(type, where, this.#filled(sent)));
  }

  /** Of a pod, an update has to repeat what admission has put into it. */
  async #admitted(target: string, sent: Loose): Promise<Loose> {
    const { status, body } = await this.#session.get(target, { quiet: true });
    if (status !== 200) return sent;
    interface Spec {
      readonly containers: readonly object[];
      readonly activeDeadlineSeconds?: number;
    }
    const [wanted, live] = [sent['spec'], body['spec']] as [Spec, Spec];
    const containers = live.containers.map((each, index) => ({ ...each, ...wanted.containers[index] }));
    const { activeDeadlineSeconds = live.activeDeadlineSeconds } = wanted;
    return { ...sent, spec: { ...live, activeDeadlineSeconds, containers } };
  }

  async #pages(kind: Kind, query: string): Promise<void> {
    let page = await this.#session.get(withQuery(kind, query));
    for (let n = 0; n < 4 && page.body.metadata?.continue; n++)
      page = await this.#session.get(withQuery(kind, `${query}&continue=${page.body.metadata.continue}`));
  }

  async #mark(): Promise<void> {
    const { body } = await this.#session.get('secrets', { quiet: true });
    this.#marks.push(body.metadata?.resourceVersion as string);
  }

  #remember(kind: Kind, { body, what }: Answer): void {
    const { name, uid, resourceVersion } = body.metadata ?? {};
    if (typeof name !== 'string' || !uid || what.includes('dryRun')) return;
    this.#seen.set(`${kind}/${name}`, { uid, version: resourceVersion ?? '' });
  }

  /** The body with what objects last showed in the places that ask for it. */
  #filled<T>(body: T): T {
    const text = JSON.stringify(body).replaceAll(/"(UID|RV):([^"]+)"/g, (_, what: string, key: string) => {
      const seen = this.#seen.get(key);
      return JSON.stringify(what === 'UID' ? (seen?.uid ?? '00000000-0000-0000-0000-000000000000') : (seen?.version ?? '1'));
    });
    return JSON.parse(text) as T;
  }

  async #list(kind: Kind): Promise<readonly Loose[]> {
    const { body } = await this.#session.get(kind, { quiet: true });
    return (body.items ?? []).filter(({ metadata }) => metadata?.['name'] !== 'kube-root-ca.crt');
  }

  /** Until the garbage collector has nothing left to do. */
  async #settle(): Promise<void> {
    const end = performance.now() + settleMs;
    while (performance.now() < end) {
      const objects: Loose[] = [];
      for (const kind of ['configmaps', 'secrets', 'leases'] as const)
        objects.push(...(await this.#list(kind)).map((object) => ({ ...object, plural: kind })));
      if (!isPending(objects)) return;
      await wait(20);
    }
  }
}

const withQuery = (target: string, query = ''): string => (query === '' ? target : `${target}?${query.replace(/^&/, '')}`);

interface Reference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blockOwnerDeletion?: boolean;
}

/** Whether something would change without another request. */
function isPending(objects: readonly Loose[]): boolean {
  const byUid = new Map(objects.map((object) => [object.metadata?.uid, object]));
  const finalizersOf = ({ metadata }: Loose): readonly string[] => (metadata?.['finalizers'] as readonly string[] | undefined) ?? [];
  const referencesOf = ({ metadata }: Loose): readonly Reference[] =>
    (metadata?.['ownerReferences'] as readonly Reference[] | undefined) ?? [];
  const isDeleted = ({ metadata }: Loose): boolean => metadata?.['deletionTimestamp'] !== undefined;
  return objects.some((object) => {
    const finalizers = finalizersOf(object);
    if (isDeleted(object)) {
      if (finalizers.includes('orphan')) return true;
      const blocking = objects.some((each) =>
        referencesOf(each).some(({ uid, blockOwnerDeletion }) => uid === object.metadata?.uid && blockOwnerDeletion),
      );
      return finalizers.includes('foregroundDeletion') && !blocking;
    }
    const references = referencesOf(object);
    if (references.length === 0) return false;
    const found = references.map((reference) => {
      const owner = byUid.get(reference.uid);
      if (!owner || identity[owner['plural'] as Kind].kind !== reference.kind || owner.metadata?.['name'] !== reference.name)
        return 'absent';
      return isDeleted(owner) && finalizersOf(owner).includes('foregroundDeletion') ? 'waiting' : 'solid';
    });
    return found.includes('solid') ? found.some((each) => each !== 'solid') : true;
  });
}
