/** What the pages of typedoc's theme get beside its style sheet. */
import { JSX, PageEvent } from 'typedoc';

/** Guides are open in the list of pages until a reader closes them. */
const OPEN = `try { localStorage.getItem('tsd-accordion-Guides') ?? localStorage.setItem('tsd-accordion-Guides', 'true') } catch {}`;

/** @param {import('typedoc').Application} app */
export function dress(app) {
  app.renderer.hooks.on('head.end', () =>
    JSX.createElement('script', null, JSX.createElement(JSX.Raw, { html: OPEN })),
  );
  // A script puts the drawings of icons into every page. Read from there they need no request, and a browser that opens the
  // files without a server, and may not read one from the other, has them too.
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = page.contents?.replace(/href="[^"]*assets\/icons\.svg#/g, 'href="#');
  });
}
