/** Two milliseconds of one core. */
export default () => {
  const end = performance.now() + 2;
  while (performance.now() < end);
  return 'done';
};
