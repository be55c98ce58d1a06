import type { Handler } from 'tsumugi/sdk';

// Streams both ways: what comes in goes out in capitals before the end of the input is there.
// printf 'hello' | curl -T - http://127.0.0.1:8080/function/upper
const upper: Handler = async function* (request) {
  const decoder = new TextDecoder();
  for await (const chunk of request.body ?? []) yield decoder.decode(chunk, { stream: true }).toUpperCase();
};

export default upper;
