/** So many names are looked at: whoever asks a gateway for what is not there shall not keep it busy. */
const maxNames = 1000;
const maxLength = 100;

/** The name that was probably meant: the nearest one by edits, if it is near enough to be a slip. */
export function suggest(word: string, names: Iterable<string>): string | undefined {
  if (word.length > maxLength) return undefined;
  let best: string | undefined;
  let left = maxNames;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    if (left-- === 0) break;
    // Each character too many or too few is an edit.
    if (Math.abs(word.length - name.length) >= bestDistance) continue;
    const distance = edits(word.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `did you mean NAME?`, as all hints say it; undefined where nothing is near. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const meant = suggest(word, names);
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

/** Damerau-Levenshtein (neighbours swapped count once). */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, (before[j - 2] ?? 0) + 1);
      row.push(value);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
