import type { Handler } from 'tsumugi/sdk';

const big = new Uint8Array(10 * 1024 * 1024).fill(7);

/** Gives a body back as it comes, or 10 MB. */
const body: Handler = (request) => (request.method === 'GET' ? big : new Response(request.body));
export default body;
