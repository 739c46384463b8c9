/** "Show number": from the click to the number on the screen, whatever the network does. */

import type { Failure } from './api';
import { emit, told } from './events';
import { lease, type Shown } from './leases';
import { ended, listen } from './lifetime';
import { given, NOSWAP, nearest, PREFIX, put, REVEAL, TEL } from './markup';
import { WRITTEN } from './mask';
import { fillNumbers, paint, shownBy } from './paint';
import { report, sweep } from './watch';

/** Longest wait for a lease before the visitor gets the number that needs none. */
const PATIENCE_MS = 2000;

const pending = new Set<Element>();

/** Fills the number elements of the listing, too, and announces it. */
const spread = (shown: Shown, element?: Element): void => {
  fillNumbers((element?.getRootNode() || document) as ParentNode, shown);
  emit('reveal', shown, element);
};

/** The number to show where no lease can be had: the server's, the page's for this case, or one already in the markup. */
const fallback = (control: Element, listing?: string, offered?: string): Shown | '' => {
  const named = offered || given(control, 'fallback');
  const link = [...document.querySelectorAll(TEL)].find(
    (each) => given(each, 'listing') === listing && !shownBy((element) => element.contains(each)),
  );
  const number = (named || link?.getAttribute('href') || '').replace(/[,;].*|[^+\d]/g, '');
  const written = WRITTEN.exec(named || link?.textContent || '');
  return number && { listing: listing as string, number, display: written?.[0], kind: 'fallback' };
};

/** The element that is to show the number: the one that the control names, nearest first, or the control. */
const placeFor = (control: HTMLElement): HTMLElement => {
  const selector = control.getAttribute(`${PREFIX}target`) as string;
  const root = control.getRootNode() as ShadowRoot;
  const card = nearest(control, `[${PREFIX}listing]`) || root;
  try {
    return card.querySelector<HTMLElement>(selector) || root.querySelector(selector) || control;
  } catch {
    // Not a selector.
    return control;
  }
};

const setBusy = (control: Element, busy: 'true' | null): void => {
  put(control, 'aria-busy', busy);
  put(control, `${PREFIX}state`, busy && 'loading');
};

const reveal = async (control: HTMLElement): Promise<void> => {
  const listing = given(control, 'listing');
  pending.add(control);
  setBusy(control, 'true');
  const answer = lease(listing, given(control, 'token')).finally(sweep);
  const tooLate = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MS, { code: 'timeout' }));
  const shown = await told(Promise.race([answer, tooLate]), listing, control).catch((failure: Failure) =>
    fallback(control, listing, failure.fallback),
  );
  pending.delete(control);
  setBusy(control, null);
  if (shown && !ended) spread(shown, paint(placeFor(control), shown, control));
};

/** Leases for a page that shows the number itself; number elements in its markup are filled all the same. */
export const leaseFor = async ({ listing, token }: { listing: string; token?: string }): Promise<Shown> => {
  const shown = await told(lease(listing, token).finally(sweep), listing);
  spread(shown);
  return shown;
};

/** The element that an event really comes from, be it in a shadow root; pages also send events from the document. */
const origin = (event: Event): Element | undefined => {
  const [from] = event.composedPath();
  return from instanceof Element ? from : undefined;
};

const onClick = (event: MouseEvent): void => {
  const clicked = origin(event);
  if (!clicked) return;
  const link = clicked.closest<HTMLElement>(TEL);
  const shown = link && shownBy((element) => element.contains(link) || link.contains(element));
  const control = nearest(clicked, REVEAL);
  if (shown) {
    report('dial', shown.lease);
    emit('dial', shown, link);
  } else if (control && !nearest(control, NOSWAP)) {
    event.preventDefault();
    if (!pending.has(control)) reveal(control);
  }
};

/** Makes a focusable control that is no button answer to the keys of one. */
const onKey = (event: KeyboardEvent): void => {
  const control = origin(event);
  if (!/^(Enter| )$/.test(event.key) || !control?.matches(`${REVEAL}:not(button,a[href])`)) return;
  event.preventDefault();
  (control as HTMLElement).click();
};

listen(document, 'click', onClick);
listen(document, 'keydown', onKey);
