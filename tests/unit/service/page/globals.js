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
document.documentElement ??= { lang: "en" };
globalThis.window = Object.assign(new EventTarget(), { scrollY: 0, scrollTo: () => {} });
globalThis.location = new URL("http://mail.example/");
globalThis.requestAnimationFrame = () => {};
globalThis.IntersectionObserver = class {
  static made = [];
  constructor(seen) {
    this.seen = seen;
    IntersectionObserver.made.push(this);
  }
  observe() {}
  unobserve() {}
};
