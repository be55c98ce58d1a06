/** One line of the result: a figure, what must be reached and what is aimed at. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  /** How the value is written: `0.71`, `6.1 ms`. */
  readonly text: string;
  /** What must be reached and what is aimed at; undefined: the figure is only told. */
  readonly limits: readonly [reach: number, aim: number] | undefined;
  /** True: more is better. */
  readonly up: boolean;
  /** What the figure was made of. */
  readonly detail: string;
}

/** How long and how often: `quick` is for looking, its figures are not for the record. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
}

/** A row of the table and how it is measured. */
export interface Row<On extends readonly unknown[] = []> {
  readonly name: string;
  run(effort: Effort, ...on: On): Promise<Figure[]>;
}

export function figure(
  what: string,
  value: number,
  unit: '' | 'x' | 'us' | 'ms' | 's' | 'MB' | '/s',
  limits: readonly [reach: number, aim: number] | undefined,
  detail: string,
): Figure {
  const digits = Math.abs(value) >= 100 || (unit === '' && Number.isInteger(value)) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const spaced = unit === 'x' || unit === '/s' || unit === '' ? unit : ` ${unit}`;
  return { what, value, text: `${value.toFixed(digits)}${spaced}`, limits, up: limits !== undefined && limits[1] > limits[0], detail };
}
