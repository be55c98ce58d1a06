/** The same hello for workerd. */
export default {
  fetch() {
    return new Response('hello world');
  },
};
