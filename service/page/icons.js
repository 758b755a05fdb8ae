// Icons. Each colour has its own shape, so that nothing depends on seeing colours.
import { html, svg } from "./vendor/lit-html/lit-html.js";

const drawn = (body, size = 20) => html`<svg
  class="icon" viewBox="0 0 20 20" width=${size} height=${size} aria-hidden="true" focusable="false"
>${body}</svg>`;

export const icons = {
  // A circle with an i: accepted.
  info: drawn(svg`<circle cx="10" cy="10" r="7.25" fill="none" stroke="currentColor" stroke-width="1.5"/>
    <circle cx="10" cy="6.6" r="1" fill="currentColor"/>
    <path d="M10 9.2v4.6" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/>`),
  // A filled octagon with an exclamation mark: not sent, or came back.
  failed: drawn(svg`<path d="M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7z" fill="currentColor"/>
    <path d="M10 5.6v5.2" stroke="var(--surface)" stroke-width="1.9" stroke-linecap="round"/>
    <circle cx="10" cy="13.9" r="1.15" fill="var(--surface)"/>`),
  // A clock: waiting.
  waiting: drawn(svg`<circle cx="10" cy="10" r="7.1" fill="none" stroke="currentColor" stroke-width="1.8"/>
    <path d="M10 5.8V10l2.9 1.9" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`),
  // A diamond with a question mark: uncertain.
  uncertain: drawn(svg`<path d="M10 1.8 18.2 10 10 18.2 1.8 10z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round"/>
    <path d="M8.2 8.3a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.9.7-.9 1.3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>
    <circle cx="10" cy="13.4" r=".95" fill="currentColor"/>`),
  // An envelope: a mail that was received.
  letter: drawn(svg`<rect x="2.6" y="4.6" width="14.8" height="10.8" rx="1.4" fill="none" stroke="currentColor" stroke-width="1.5"/>
    <path d="m3.2 5.6 6.8 5.6 6.8-5.6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>`),
  // An arrow away from us, or to us.
  outgoing: drawn(svg`<path d="M5.5 14.5 14.5 5.5M7.5 5.5h7v7" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>`),
  received: drawn(svg`<path d="M14.5 5.5 5.5 14.5M12.5 14.5h-7v-7" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>`),
  close: drawn(svg`<path d="m5 5 10 10M15 5 5 15" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/>`),
  up: drawn(svg`<path d="m5 12.5 5-5 5 5" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>`),
  down: drawn(svg`<path d="m5 7.5 5 5 5-5" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>`),
  back: drawn(svg`<path d="m12 5-5 5 5 5" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>`, 16),
  search: drawn(svg`<circle cx="8.7" cy="8.7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/>
    <path d="m12.6 12.6 4 4" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`),
  leaves: drawn(svg`<path d="M8 4H4v12h12v-4M11.5 3.5h5v5M16 4l-6.5 6.5" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`, 14),
  link: drawn(svg`<path d="M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1-1" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`, 16),
  check: drawn(svg`<path d="m4 10.5 4 4 8-9" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`, 16),
  opened: drawn(svg`<path d="M2.5 10S5.2 5.4 10 5.4 17.5 10 17.5 10 14.8 14.6 10 14.6 2.5 10 2.5 10z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>
    <circle cx="10" cy="10" r="2.2" fill="currentColor"/>`),
  event: drawn(svg`<circle cx="10" cy="10" r="3.5" fill="currentColor"/>`),
  paperclip: drawn(svg`<path d="m15.5 9.5-5.6 5.6a3.4 3.4 0 0 1-4.8-4.8l6-6a2.3 2.3 0 0 1 3.2 3.2l-5.7 5.7a1.1 1.1 0 0 1-1.6-1.6l5.1-5.1" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"/>`, 16),
};
