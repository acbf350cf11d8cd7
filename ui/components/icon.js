/* Icons from the sprite, drawn in the text's own colour; always beside a word or a label. */

import { h } from '../dom.js';

export function icon(name, size = 16) {
  return h('svg', {
    class: size === 16 ? 'icon' : 'icon icon-large', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false',
  }, h('use', { href: `/ui/icons.svg#${name}` }));
}
