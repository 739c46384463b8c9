/** Follows the page as it changes, by a route without a load or otherwise: late content, and cards used again. */

import { atEnd } from './lifetime';
import { given, PREFIX } from './markup';
import { fillNumbers, revert } from './paint';

/** How long changes are gathered: pages that change all the time are not scanned all the time. */
const GATHER_MS = 50;

let gathering: number | undefined;

const observer = new MutationObserver(() => {
  // A card that is used again for another listing must not keep the number for as long as it takes to gather.
  revert(({ element, under }) => element.isConnected && given(element, 'listing') !== under);
  gathering =
    gathering ||
    setTimeout(() => {
      gathering = 0;
      fillNumbers(document);
    }, GATHER_MS);
});

const attributeFilter = [`${PREFIX}listing`, 'listing'];
observer.observe(document, { childList: true, subtree: true, attributeFilter });
atEnd(() => observer.disconnect());
