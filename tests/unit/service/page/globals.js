// The globals of a browser: apart from `browser.js`, since modules are loaded in the order of their imports.
globalThis.document = Object.assign(new EventTarget(), {
  hidden: false,
  body: {},
  createTreeWalker: () => ({}),
  createComment: () => ({}),
  getElementById: () => null,
  querySelector: () => null,
  querySelectorAll: () => [],
});
document.activeElement = document.body;
document.documentElement = { lang: "en", dataset: {}, style: { setProperty() {} } };
const kept = new Map();
globalThis.localStorage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => void kept.set(name, value),
  clear: () => kept.clear(),
};
globalThis.history = { state: null, entries: [], pushState(state, _, address) { this.state = state; this.entries.push(address); }, replaceState(state) { this.state = state; }, back() {} };
globalThis.window = Object.assign(new EventTarget(), { scrollY: 0, innerHeight: 800, scrollTo: () => {} });
globalThis.location = new URL("http://mail.example/");
globalThis.CSS = { escape: (text) => text.replace(/["\\\]]/g, "\\$&") };
globalThis.requestAnimationFrame = () => {};
globalThis.requestIdleCallback = () => {};
globalThis.IntersectionObserver = class {
  static made = [];
  constructor(seen) {
    this.seen = seen;
    IntersectionObserver.made.push(this);
  }
  observe() {}
  unobserve() {}
};
