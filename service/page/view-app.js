// What a view has of the page: once it is left, what it still does late leads nowhere.

/** What changes the place. Links of a view that was left are not drawn, but its answers and timers may still come. */
const LEADING = ["go", "query", "goBack", "visit"];

/** `app` for one view: its answers that come after `isShown()` has become false change no address. */
export function appOfView(app, isShown) {
  const guarded = LEADING.map((name) => [name, { value: (...given) => (isShown() ? app[name](...given) : undefined) }]);
  return Object.create(app, Object.fromEntries(guarded));
}
