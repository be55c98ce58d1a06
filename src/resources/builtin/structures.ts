import type { Structure } from '../structure.ts';
import table from './structure.generated.json' with { type: 'json' };

/** Structures of the built-in kinds and of all they refer to, by name (`core.v1.PodSpec`); made by scripts/structure.ts. */
export const builtinStructures = table as unknown as Readonly<Record<string, Structure>>;
