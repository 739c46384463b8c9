/** Announces what happened: DOM events for the page, `dataLayer` for tag managers. */

import { listen } from './lifetime';

const PREFIX = 'callease:';
const NAMES = ['ready', 'reveal', 'expired', 'dial', 'callback', 'error'];

declare global {
  interface Window {
    dataLayer?: object[];
  }
}

/** Announces from `source`, or from the document where that has left the page. `detail` never holds a visitor's phone. */
export const emit = (name: string, detail: object, source?: Element): void => {
  const event = PREFIX + name;
  (source?.isConnected ? source : document).dispatchEvent(
    new CustomEvent(event, { bubbles: true, composed: true, detail }),
  );
  window.dataLayer = window.dataLayer || [];
  window.dataLayer.push({ event, ...detail });
};

/** Announces why a request failed, and lets it fail. */
export const told = <T>(request: Promise<T>, listing?: string, source?: Element): Promise<T> => {
  return request.catch((error) => {
    emit('error', { code: error.code, listing }, source);
    throw error;
  });
};

/** Calls `handler` with each event of that name (with or without prefix; `*` is all); returns the way to stop it. */
export const on = (name: string, handler: (event: CustomEvent) => void): (() => void) => {
  const names = name === '*' ? NAMES : [name.replace(PREFIX, '')];
  const offs = names.map((each) => listen(document, PREFIX + each, handler));
  return () => offs.map((off) => off());
};
