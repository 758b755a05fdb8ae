// Links the style sheet of a module that several views share.

/**
 * Links it, once, and waits until it is there. It resolves also when it cannot be had: what is drawn then is plain, and
 * still whole. Not by `@import` in the views' own: axe-core would ask for these again, against the page's policy.
 */
export function withStyleSheet(href) {
  if (!globalThis.document?.head || [...document.styleSheets].some((sheet) => sheet.href === href)) return undefined;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve) => {
    Object.assign(link, { onload: resolve, onerror: resolve });
    document.head.append(link);
  });
}
