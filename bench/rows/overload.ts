/** Five hundred connections where a few are enough: nobody hears anything but an answer, 429 or 503, and no work is lost to crowding. */
import { startPlatform } from '../lib/platform.ts';
import { figure, type Row } from '../lib/row.ts';
import { wrk, type WrkResult } from '../lib/wrk.ts';

export const overload: Row = {
  name: 'overload',
  async run({ quick }) {
    const platform = await startPlatform(true);
    try {
      await platform.api('PATCH', '/apis/tsumugi.dev/v1/namespaces/default/functions/burn', {
        spec: { concurrency: 4, scale: { max: 2 } },
      });
      const url = `${platform.gateway}/function/burn`;
      await wrk({ url, connections: 8, seconds: 5 });
      const good = (result: WrkResult, seconds: number): number => (result.statuses.get(200) ?? 0) / seconds;
      let best = 0;
      for (const connections of [2, 4, 8, 16]) best = Math.max(best, good(await wrk({ url, connections, seconds: 5, statuses: true }), 5));
      const seconds = quick ? 10 : 30;
      const crowd = await wrk({ url, connections: 500, seconds, statuses: true });
      let wrong = crowd.socketErrors;
      for (const [status, count] of crowd.statuses) if (![200, 429, 503].includes(status)) wrong += count;
      const statuses = [...crowd.statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
      return [
        figure(`500 connections for ${seconds} s beyond capacity: wrong answers`, wrong, '', [0, 0], statuses),
        figure(
          'the same: good answers to the best',
          good(crowd, seconds) / best,
          'x',
          [0.8, 0.95],
          `${Math.round(good(crowd, seconds))}/s to ${Math.round(best)}/s`,
        ),
      ];
    } finally {
      await platform.stop();
    }
  },
};
