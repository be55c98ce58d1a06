/** Whose token it is that a request shows, as a gateway asks the platform. */
import { type ErrorAnswer, errorOf, send } from './activator-http.ts';
import type { Replicas } from './replicas.ts';

/** A ServiceAccount, such as that of a function with permissions. */
export interface TokenOwner {
  readonly namespace: string;
  readonly name: string;
}

/** `POST /v1/tokens/review` with JSON {token}: whose it is among those made for gateways. No owner: nobody's, over, or made for others. */
export interface TokenReviewAnswer {
  readonly owner?: TokenOwner;
}

/** Rejects with Unavailable when no replica answers. */
export type Reviewer = (token: string) => Promise<TokenOwner | undefined>;

const patienceMs = 10_000;

export function httpReviewer(replicas: Replicas): Reviewer {
  return async (token) => {
    const question = { method: 'POST', path: '/v1/tokens/review', body: { token }, signal: AbortSignal.timeout(patienceMs) };
    const answer = (await send(replicas, token, question)) as TokenReviewAnswer | ErrorAnswer;
    if ('error' in answer) throw errorOf(answer);
    return answer.owner;
  };
}
