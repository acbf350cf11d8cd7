/* What passed on both sides of one exchange: the four texts, each under its own heading. */

import { copyButton } from '../components/controls.js';
import { h } from '../dom.js';
import { bytes } from '../format.js';
import { t } from '../strings.js';

const SIDES = ['asked', 'sent', 'heard', 'told'];

/** `id` tells several sets apart; `open` names the side that is open at first. */
export function sidesView(id, sides, open = '') {
  return h('div', { class: 'sides', key: `sides-${id}` }, SIDES.map((name) => side(id, name, sides[name], name === open)));
}

function side(id, name, { text, size, cut }, open) {
  const place = `side-${id}-${name}`;
  return h('details', { class: 'side', key: name, open: open || null },
    h('summary', null, h('span', { class: 'strong' }, t(`sides.${name}`)), ' ',
      h('span', { class: 'caption' }, size ? bytes(size) : t('sides.nothing'))),
    size ? [
      h('div', { class: 'row-buttons', key: 'buttons' },
        copyButton(place, text, t(`sides.${name}`)),
        cut ? h('span', { class: 'caption' }, t('sides.cut')) : null),
      h('pre', { class: 'code-block selectable side-text', key: 'text', tabindex: '0', 'data-copy-text': place, 'aria-label': t(`sides.${name}`) }, text),
    ] : null);
}
