import type { Handler } from 'tsumugi/sdk';

// A small REST service; routes.yaml gives it URLs of its own.
// curl http://127.0.0.1:8080/orders/7
const orders: Handler = async (request) => {
  const [, , id] = new URL(request.url).pathname.split('/');
  if (request.method === 'POST') return Response.json({ created: await request.json() }, { status: 201 });
  if (!id) return [{ id: 7 }, { id: 8 }];
  return { id: Number(id) };
};

export default orders;
