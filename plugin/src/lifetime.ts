/** Everything that the script hangs onto the page, so that `destroy()` can take it off again. */

const endings: (() => void)[] = [];

export let ended = false;

export const atEnd = (ending: () => void): void => {
  endings.push(ending);
};

/** Listens in the capture phase, so that a page that stops propagation does not silence us; returns the way to stop. */
export function listen<E extends Event>(
  target: EventTarget,
  type: string,
  handler: (event: E) => void,
): () => void {
  target.addEventListener(type, handler as EventListener, true);
  const off = () => target.removeEventListener(type, handler as EventListener, true);
  atEnd(off);
  return off;
}

export const whenReady = (action: (event?: Event) => void): void => {
  if (document.readyState === 'loading') listen(document, 'DOMContentLoaded', action);
  else action();
};

export const end = (): void => {
  ended = true;
  for (const ending of endings.splice(0)) ending();
};
