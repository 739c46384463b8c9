/** Leases that this visitor holds: asked for once, kept until they end, on this page and the tab's next ones. */

import { ask, clients, fail } from './api';
import { save, tab } from './memory';

/** A number as it is to be shown for a listing, leased or not. */
export interface Shown {
  listing: string;
  number: string;
  kind: 'dynamic' | 'shared' | 'static' | 'fallback';
  lease?: string;
  display?: string | undefined;
  extension?: string;
  /** Seconds from the answer on. */
  ttl?: number;
}

/** A lease that runs out. */
export interface Lease extends Shown {
  lease: string;
  ttl: number;
  /** The visitor's own clock when the answer came: it may be wrong, so `expires_at` is never compared with it. */
  at: number;
}

/** Milliseconds left; none where the clock was set back, since then nobody knows. */
export const left = ({ at, ttl }: Lease): number => {
  const age = Date.now() - at;
  return age < 0 ? 0 : ttl * 1000 - age;
};

/** The running lease of a listing, if there is one. */
export const current = (listing?: string): Lease | undefined => {
  return tab.leases.find((lease) => lease.listing === listing && left(lease) > 0);
};

/** The visitor's lease of a listing: the one still running, or a new one. */
export const lease = async (listing?: string, token?: string): Promise<Shown> => {
  if (!listing) return fail('no_listing');
  const running = current(listing);
  if (running) return running;
  const answer = await ask<Lease>('/v1/leases', { listing, token, clients: clients() });
  if (!answer.number) fail('bad_answer');
  const lease = { ...answer, listing, at: Date.now() } as Lease;
  // A real number does not end, and the next click is to find out whether a lease can be had again.
  if (lease.ttl > 0 && lease.kind !== 'fallback') {
    tab.leases.push(lease);
    save();
  }
  return lease;
};
