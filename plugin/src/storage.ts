/** What the script remembers: in the browser where that is allowed, else in this page's memory only. */

import { consentRequired } from './config';

const AREAS = {
  consent: 'localStorage',
  visitor: 'localStorage',
  session: 'sessionStorage',
  leases: 'sessionStorage',
} as const;

type Key = keyof typeof AREAS;

const KEYS = Object.keys(AREAS) as Key[];
const PREFIX = 'callease:';
const memory: { [key in Key]?: string | undefined } = {};

/** Runs an access to browser storage, which throws where the visitor or a sandbox blocks it: memory serves then. */
const guarded = <T>(access: () => T): T | undefined => {
  try {
    return access();
  } catch {
    return undefined;
  }
};

const write = (key: Key, value: string | undefined): void => {
  guarded(() => {
    const area = window[AREAS[key]];
    if (value === undefined) area.removeItem(PREFIX + key);
    else area.setItem(PREFIX + key, value);
  });
};

const stored = (key: Key): string | null | undefined => {
  return guarded(() => window[AREAS[key]].getItem(PREFIX + key));
};

/** Whether the browser may keep anything, and so whether the visitor may be told from others. */
export let allowed = consentRequired ? stored('consent') === '1' : stored('consent') !== '0';

export const look = (key: Key): string | undefined => {
  return memory[key] || (allowed && stored(key)) || undefined;
};

export const keep = (key: Key, value: string): void => {
  memory[key] = value;
  if (allowed) write(key, value);
};

export const consent = (given: boolean): void => {
  allowed = given;
  memory.consent = given ? '1' : undefined;
  for (const key of KEYS) {
    if (!given) memory[key] = undefined;
    write(key, memory[key]);
  }
  // Where storing needs no consent, a refusal is only honoured on the next page if it is itself remembered.
  if (!given && !consentRequired) write('consent', '0');
};

const opaqueId = (): string => {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('');
};

const id = (key: 'visitor' | 'session'): string => {
  const known = look(key);
  if (known) return known;
  const made = opaqueId();
  keep(key, made);
  return made;
};

export const session = (): string => id('session');
export const visitor = (): string | undefined => (allowed ? id('visitor') : undefined);
