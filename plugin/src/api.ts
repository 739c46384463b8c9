/** Requests to the public endpoints, and what they say of the visitor. */

import { base, site } from './config';
import { allowed, tab, visitor } from './memory';

/** Why there is no answer; `fallback` is the number that the server offers instead. */
export interface Failure {
  code: string;
  fallback?: string;
}

export const fail = (code: string, fallback?: string): never => {
  throw Object.assign(Error(code), { code, fallback });
};

/** Posts as `text/plain`, which needs no preflight, and without cookies; rejects with a `Failure`. */
export const post = async <Answer>(path: string, body: object): Promise<Partial<Answer>> => {
  const response = await fetch(base + path, {
    method: 'POST',
    body: JSON.stringify(body),
    credentials: 'omit',
    keepalive: true,
  }).catch(() => fail('network'));
  // What is not JSON comes from a proxy in between, or is empty: as good as no answer.
  const answer = (await response.json().catch(() => 0)) || {};
  return response.ok ? answer : fail(answer.code || `http_${response.status}`, answer.fallback);
};

/** The same, saying who asks and from which page. */
export const ask = <Answer>(path: string, body: object, title?: string): Promise<Partial<Answer>> => {
  return post(path, {
    site,
    visitor: allowed ? visitor : undefined,
    session: tab.session,
    page: { url: location.href, title, referrer: document.referrer },
    ...body,
  });
};

/** Ids under which analytics and ad systems know this visitor; without consent none are read. */
export const clients = () => {
  const id = (name: string) => RegExp(`\\b${name}=([^;&?]+)`).exec(document.cookie + location.search)?.[1];
  return allowed
    ? {
        ga: /\d+\.\d+$/.exec(id('_ga') || '')?.[0],
        ym: id('_ym_uid'),
        gclid: id('gclid'),
        yclid: id('yclid'),
        fbclid: id('fbclid'),
      }
    : undefined;
};
