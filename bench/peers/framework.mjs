/** The same hello for @google-cloud/functions-framework. */
export const hello = (request, response) => response.send('hello world');
