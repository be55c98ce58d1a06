export default () => 'hello world';
