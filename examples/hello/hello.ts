import type { Handler } from 'tsumugi/sdk';

// curl 'http://127.0.0.1:8080/function/hello?name=Ada'
const hello: Handler = (request) => `hello ${new URL(request.url).searchParams.get('name') ?? 'world'}\n`;

export default hello;
