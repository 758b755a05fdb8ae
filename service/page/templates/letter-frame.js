// What a letter looks like: its HTML put into a frame that runs nothing and asks for nothing, as wide as a phone or a desktop.

/** The frame's document: empty, with a policy of its own that allows the letter's inline styles and nothing else. */
export const FRAME = "/previews/draft";

/** Elements that a letter shows nothing by, but that could lead the frame elsewhere. The policy forbids all of them, too. */
const LEFT_OUT = "script, iframe, frame, object, embed, base, link, meta[http-equiv]";

const DARK = /\(\s*prefers-color-scheme\s*:\s*dark\s*\)/gi;
const LIGHT = /\(\s*prefers-color-scheme\s*:\s*light\s*\)/gi;
/** Media conditions that always, and never, hold. */
const [ALWAYS, NEVER] = ["(min-width: 0px)", "(max-width: 0px)"];

/** A media query as it is in a theme: a frame cannot be told a theme of its own, since it has the system's. */
export const inTheme = (media, theme) =>
  media.replace(DARK, theme === "dark" ? ALWAYS : NEVER).replace(LIGHT, theme === "light" ? ALWAYS : NEVER);

/** Makes the letter's style sheets those of a theme, and its ground where the letter says that it has both. */
function setTheme(shown, theme) {
  const change = (rules) => {
    for (const rule of rules) {
      if (rule.media) rule.media.mediaText = inTheme(rule.media.mediaText, theme);
      if (rule.cssRules) change(rule.cssRules);
    }
  };
  for (const sheet of shown.styleSheets) {
    if (sheet.media.mediaText) sheet.media.mediaText = inTheme(sheet.media.mediaText, theme);
    change(sheet.cssRules);
  }
  const said = `${shown.querySelector("meta[name=color-scheme i]")?.content ?? ""} ${shown.defaultView.getComputedStyle(shown.documentElement).colorScheme}`;
  if (said.includes(theme)) shown.documentElement.style.colorScheme = theme;
}

/**
 * Puts a letter into the loaded frame, at the place that it is scrolled to. False while the frame has no document yet.
 *
 * The frame's own parser is used, so that the frame's policy judges the letter's styles and not this page's.
 */
export function putLetter(frame, html, theme) {
  const { contentDocument: shown, contentWindow: inside } = frame;
  if (!shown?.documentElement || new URL(shown.URL).pathname !== FRAME) return false;
  const made = new inside.DOMParser().parseFromString(html, "text/html");
  for (const each of made.querySelectorAll(LEFT_OUT)) each.remove();
  const top = shown.scrollingElement?.scrollTop ?? 0;
  shown.replaceChild(shown.adoptNode(made.documentElement), shown.documentElement);
  setTheme(shown, theme);
  if (shown.scrollingElement) shown.scrollingElement.scrollTop = top;
  return true;
}

/** Links in the frame do nothing. */
export function holdLinks(frame) {
  const hold = (event) => event.target.closest?.("a, area, form, button, input") && event.preventDefault();
  for (const name of ["click", "auxclick", "submit"]) frame.contentDocument?.addEventListener(name, hold, true);
}
