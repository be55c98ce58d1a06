/**
 * Our Request, Headers and Response against undici's: the same calls on both, the same outcome: value, error class, enumerability.
 * Where undici leaves the standard, the case says so.
 */
import * as undici from 'undici';
import { expect, test } from 'vitest';
import { Headers } from '../headers.ts';
import { Request } from '../request.ts';
import { Response } from '../response.ts';

/** The three classes of one side, and the FormData that goes with them. */
export interface Classes {
  readonly Headers: typeof globalThis.Headers;
  readonly Request: typeof globalThis.Request;
  readonly Response: typeof globalThis.Response;
  readonly FormData: typeof globalThis.FormData;
}
export const ours = { Headers, Request, Response, FormData } as unknown as Classes;
export const theirs = undici as unknown as Classes;

type Outcome = { value: unknown } | { error: string };

/** What a piece of code does with these classes, in a form that can be compared. */
async function outcome(act: (web: Classes) => unknown, web: Classes): Promise<Outcome> {
  try {
    return { value: await act(web) };
  } catch (error) {
    return { error: (error as Error).constructor.name };
  }
}

/** Expects the same outcome on both sides. */
export async function same(act: (web: Classes) => unknown): Promise<void> {
  const [mine, expected] = [await outcome(act, ours), await outcome(act, theirs)];
  expect(mine).toEqual(expected);
}

/** A table: name -> what is done. */
export function table(cases: Record<string, (web: Classes) => unknown>): void {
  for (const [name, act] of Object.entries(cases)) {
    test(name, async () => {
      await same(act);
      expect.assertions(1);
    });
  }
}

export const list = (headers: globalThis.Headers): unknown => [...headers];
export const everything = (request: globalThis.Request): Record<string, unknown> => {
  const all: Record<string, unknown> = { headers: list(request.headers), aborted: request.signal.aborted, body: request.body === null };
  const { method, url, destination, referrer, referrerPolicy, mode, credentials, cache, redirect, integrity, keepalive, duplex, bodyUsed } =
    request;
  return Object.assign(all, {
    method,
    url,
    destination,
    referrer,
    referrerPolicy,
    mode,
    credentials,
    cache,
    redirect,
    integrity,
    keepalive,
    duplex,
    bodyUsed,
  });
};
export const whole = async (response: globalThis.Response): Promise<Record<string, unknown>> => {
  const { status, statusText, ok, redirected, type, url, bodyUsed } = response;
  return {
    status,
    statusText,
    ok,
    redirected,
    type,
    url,
    bodyUsed,
    headers: list(response.headers),
    body: response.body === null,
    text: await response.text(),
    after: response.bodyUsed,
  };
};

/** A property of undici's prototype that holds nothing and that the standard does not know. */
export const slips = ['attribute'];
