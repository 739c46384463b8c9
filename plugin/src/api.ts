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
export const clients = (): Record<string, string> | undefined => {
  if (!allowed) return undefined;
  const found: Record<string, string> = {};
  for (const name of ['ga', 'ym', 'gclid', 'yclid', 'fbclid']) {
    // The cookies are `_ga`, whose id follows on its own version as in GA1.1., and `_ym_uid`.
    const id = RegExp(`\\b_?${name}(_uid)?=(GA\\d\\.[^.]+\\.)?([^;&?]+)`).exec(
      document.cookie + location.search,
    );
    if (id) found[name] = id[3] as string;
  }
  return found;
};
