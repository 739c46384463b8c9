/** Follows the numbers on the screen: their use, and their end. */

import { post } from './api';
import { emit } from './events';
import { left } from './leases';
import { atEnd, ended, listen } from './lifetime';
import { save, tab } from './memory';
import { revert, shownBy } from './paint';

const MINUTE_MS = 60_000;

let timer: number | undefined;

/** Takes numbers off whose lease has ended, since soon they will be somebody else's. */
export const sweep = (): void => {
  // An answer may still come in after the end.
  if (ended) return;
  for (const lease of [...tab.leases]) {
    if (left(lease) > 0) continue;
    tab.leases.splice(tab.leases.indexOf(lease), 1);
    const restored = revert((one) => one.lease.lease === lease.lease);
    save();
    emit('expired', lease, restored);
  }
  clearTimeout(timer);
  timer = setTimeout(beat, Math.min(MINUTE_MS, ...tab.leases.map(left)));
};

/** Tells the server what became of a lease; a lost report costs a little precision and is not worth a retry. */
export const report = (type: string, lease?: string): void => {
  if (lease) post(`/v1/leases/${lease}/events`, { type }).catch(() => {});
};

/** Comes once a minute, and when a lease ends. */
const beat = (): void => {
  sweep();
  if (document.hidden) return;
  for (const { lease, kind } of tab.leases) if (kind !== 'static') report('heartbeat', lease);
};

const reportCopy = (): void => {
  report('copy', shownBy((element) => getSelection()?.containsNode(element, true) as boolean)?.lease);
};

sweep();
listen(document, 'copy', reportCopy);
// Timers stand still while a page is frozen, be it in a background tab or in the back/forward cache.
listen(window, 'visibilitychange', sweep);
listen(window, 'pageshow', sweep);
atEnd(() => {
  clearTimeout(timer);
  revert(() => true);
});
