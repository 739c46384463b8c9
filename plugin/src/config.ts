/** What the page says on the script's own tag. */

// An optimiser that re-injects scripts may run us from a tag of its own, without our attributes.
const tag = [document.currentScript as HTMLScriptElement | null, ...document.scripts].find(
  (each) => each?.dataset.site,
);
const said: DOMStringMap = tag?.dataset || {};

export const site = said.site;
/** Address of the public endpoints, without a closing slash. */
export const base = (said.api ? `${said.api}/` : tag?.src || '').replace(/\/+[^/]*$/, '');
/** Also where the page's own tag was not found, so that nobody knows what it asks for. */
export const consentRequired = !site || said.consent === 'required';
export const locale = (said.locale || document.documentElement.lang || navigator.language).slice(0, 2);
