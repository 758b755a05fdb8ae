// What a letter looks like: its HTML put into a frame that runs nothing and asks for nothing, as wide as a phone or a desktop.

/** The frame's document: empty, with a policy of its own that allows the letter's inline styles and nothing else. */
export const FRAME = "/previews/draft";

/** Elements that a letter shows nothing by, but that could lead the frame elsewhere. The policy forbids all of them, too. */
const LEFT_OUT = "script, iframe, frame, object, embed, base, link, meta[http-equiv]";

/**
 * Puts a letter into the loaded frame, at the place that it is scrolled to. False while the frame has no document yet.
 *
 * The frame's own parser is used, so that the frame's policy judges the letter's styles and not this page's.
 */
export function putLetter(frame, html) {
  const { contentDocument: shown, contentWindow: inside } = frame;
  if (!shown?.documentElement || new URL(shown.URL).pathname !== FRAME) return false;
  const made = new inside.DOMParser().parseFromString(html, "text/html");
  for (const each of made.querySelectorAll(LEFT_OUT)) each.remove();
  const top = shown.scrollingElement?.scrollTop ?? 0;
  shown.replaceChild(shown.adoptNode(made.documentElement), shown.documentElement);
  if (shown.scrollingElement) shown.scrollingElement.scrollTop = top;
  return true;
}

/** Links in the frame do nothing. */
export function holdLinks(frame) {
  const hold = (event) => event.target.closest?.("a, area, form, button, input") && event.preventDefault();
  for (const name of ["click", "auxclick", "submit"]) frame.contentDocument?.addEventListener(name, hold, true);
}
