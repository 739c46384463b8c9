/** What the script remembers: in the browser where that is allowed, else in this page's memory only. */

import { consentRequired } from './config';
import type { Lease } from './leases';

/** Remembered instead of a visitor where storing needs no consent but was refused. */
const REFUSED = '0';

/** Runs an access to browser storage, which throws where the visitor or a sandbox blocks it: memory serves then. */
const guarded = <T>(access: () => T): T | undefined => {
  try {
    return access();
  } catch {
    return undefined;
  }
};

const opaqueId = (): string => {
  return Math.random().toString(36).slice(2) + Date.now();
};

/** Where consent is required, a visitor stored here is the memory of it; one stored without being asked does not count. */
const KEY = consentRequired ? 'callease+' : 'callease';

const known: string | undefined = guarded(() => localStorage[KEY]);

/** Whether the browser may keep anything, and so whether the visitor may be told from others. */
export let allowed = known ? known !== REFUSED : !consentRequired;

export let visitor = (allowed && known) || opaqueId();

/** What this tab's pages have in common. */
export const tab: { session: string; leases: Lease[] } = {
  session: opaqueId(),
  leases: [],
  ...(allowed && guarded(() => JSON.parse(sessionStorage.callease))),
};

/** Stores the tab's part, as long as the visitor has not refused in another tab meanwhile. */
export const save = (): void => {
  guarded(() => {
    if (localStorage[KEY] === visitor) sessionStorage.callease = JSON.stringify(tab);
  });
};

export const consent = (given: boolean): void => {
  allowed = given;
  if (!given) {
    visitor = opaqueId();
    tab.session = opaqueId();
  }
  guarded(() => {
    delete sessionStorage.callease;
    if (given || !consentRequired) localStorage[KEY] = given ? visitor : REFUSED;
    else delete localStorage[KEY];
  });
  save();
};

if (allowed) consent(true);
