/* The state mark: one ring, seven shapes, told apart without colour. Same grid as the tray icon. */

import { h } from '../dom.js';

const RING = { cx: 8, cy: 8, r: 6.25, class: 'ring' };
const TURN = 2 * Math.PI * RING.r;

const SHAPES = {
  running: () => [h('circle', RING), h('circle', { cx: 8, cy: 8, r: 2.75, class: 'fill-ok' })],
  stopped: () => [h('circle', RING)],
  busy: () => [
    h('circle', { ...RING, 'stroke-dasharray': `${TURN * 0.75} ${TURN * 0.25}`, transform: 'rotate(0 8 8)' }),
    h('circle', { cx: 8, cy: 8, r: 1.4, class: 'fill-ink' }),
  ],
  error: () => [
    h('circle', RING),
    h('rect', { x: 7, y: 4.2, width: 2, height: 4.6, rx: 1, class: 'fill-bad' }),
    h('circle', { cx: 8, cy: 11, r: 1.1, class: 'fill-bad' }),
  ],
  signin: () => [
    h('circle', {
      ...RING, 'stroke-dasharray': `${TURN * 0.15} ${TURN * 0.1}`, transform: 'rotate(18 8 8)',
    }),
    h('circle', { cx: 8, cy: 8, r: 1.6, class: 'fill-ink' }),
  ],
  low: () => [
    h('circle', RING),
    h('path', { d: 'M8 8 V3.9 A4.1 4.1 0 0 1 12.1 8 Z', class: 'fill-warn' }),
  ],
  exhausted: () => [
    h('circle', RING), h('path', { d: 'M3.9 3.9 L12.1 12.1', class: 'bar-bad' }),
  ],
};

/** `size` is "small" (sidebar) or "large" (proxy card). The words beside it are its name. */
export function glyph(name, size) {
  const shape = SHAPES[name] || SHAPES.stopped;
  return h('svg', {
    class: `glyph glyph-${size}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false', 'data-glyph': name,
  }, shape());
}
