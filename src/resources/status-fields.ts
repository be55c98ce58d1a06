/** The schema of what every status of ours has. */
import { z } from 'zod';
import { listByKey } from './schema.ts';

const condition = z.strictObject({
  type: z.string().max(316).describe('What it is about, such as Ready.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('Why, in one CamelCase word.'),
  message: z.string().max(32_768).describe('For people.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When status changed last.'),
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }).describe('The generation of the spec that this is about.'),
});

/** The fields that every status of ours has. */
export const statusFields = {
  conditions: listByKey(condition, 'type', 32).optional().describe('The state of the resource; Ready says whether it works.'),
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }).describe('The generation of the spec that the status is about.'),
};
