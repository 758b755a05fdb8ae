// One picture a view, for the bar.
import { html, svg } from "./vendor/lit-html/lit-html.js";

const drawn = (body) => html`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false"
  fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${body}</svg>`;

export const viewIcons = {
  worklist: drawn(svg`<path d="M4 10h3.2l1.2 2.2h3.2l1.2-2.2H16M4 10l2-5.500h8l2 5.500v5.500H4z"/>`),
  messages: drawn(svg`<rect x="3" y="4.5" width="14" height="11" rx="2"/><path d="m3.6 6 6.4 4.800L16.4 6"/>`),
  customers: drawn(svg`<circle cx="10" cy="7" r="3"/><path d="M4 16.500c.6-3 3-4.5 6-4.500s5.4 1.5 6 4.5"/>`),
  addresses: drawn(svg`<circle cx="10" cy="10" r="3"/><path d="M13 7v4.200c0 2.3 3.5 2.2 3.5-1.200a6.5 6.5 0 1 0-2.7 5.3"/>`),
  campaigns: drawn(svg`<path d="M4 8.500v3h2.500L13 15V5L6.5 8.500zM15.5 8v4M7 11.500l1 4"/>`),
  lists: drawn(svg`<path d="M8 5.500h9M8 10h9M8 14.500h9M3.5 5.500h1M3.5 10h1M3.5 14.500h1"/>`),
  templates: drawn(svg`<rect x="3.5" y="3.5" width="13" height="13" rx="1.5"/><path d="M3.5 7.500h13M8.5 7.500v9"/>`),
  statistics: drawn(svg`<path d="M4 16V9M8.5 16V4M13 16v-5M17 16.500H3"/>`),
  gateway: drawn(svg`<rect x="3" y="4" width="14" height="4.5" rx="1.2"/><rect x="3" y="11.5" width="14" height="4.5" rx="1.2"/><path d="M6 6.250h.01M6 13.750h.01" stroke-width="2"/>`),
  settings: drawn(svg`<path d="M3 6h8M15 6h2M3 14h2M9 14h8"/><circle cx="13" cy="6" r="2"/><circle cx="7" cy="14" r="2"/>`),
  more: drawn(svg`<g fill="currentColor" stroke="none"><circle cx="4.5" cy="10" r="1.4"/><circle cx="10" cy="10" r="1.4"/><circle cx="15.5" cy="10" r="1.4"/></g>`),
};
