/** Follows the page as it changes, by a route without a load or otherwise: late content, and cards used again. */

import { atEnd } from './lifetime';
import { PREFIX } from './markup';
import { fillNumbers, revertMoved } from './paint';

/** Called once for all changes of one task. */
const onChange = (): void => {
  revertMoved();
  fillNumbers(document);
};

export const startLate = (): void => {
  const observer = new MutationObserver(onChange);
  const attributeFilter = [`${PREFIX}listing`, 'listing'];
  observer.observe(document, { childList: true, subtree: true, attributeFilter });
  atEnd(() => observer.disconnect());
};
