/** What a script has without an import. */
import { call } from './call.ts';
import { Kube } from './kube/kube.ts';
import { Runner } from './runner.ts';

/** The names that `tsumugi run` gives a script; `tsumugi/client` exports them, too. */
export const scriptGlobals = { Kube, Runner, call } as const;
