/** `<callease-number listing fallback>`: the same as the attributes, for pages that prefer an element. */

import { whenReady } from './lifetime';
import { PREFIX, put, REVEAL } from './markup';
import { SHOW_NUMBER } from './words';

/** Makes a control of the element's first button or link, or of all that it holds. */
const enhance = (element: HTMLElement): void => {
  let control = element.querySelector(`${REVEAL},button,a`);
  if (!control) {
    control = document.createElement('button');
    control.append(...element.childNodes);
    if (!control.textContent?.trim()) control.append(SHOW_NUMBER);
    element.append(control);
  }
  put(control, `${PREFIX}reveal`, '');
};

// A new tag after `destroy()` finds the element of the old one, which does as well.
if (!customElements.get('callease-number')) {
  customElements.define(
    'callease-number',
    class extends HTMLElement {
      connectedCallback() {
        // The parser connects an element before it has read the children.
        whenReady(() => enhance(this));
      }
    },
  );
}
