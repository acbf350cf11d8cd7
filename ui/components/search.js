/* The search field of a screen: the search key finds it, and it has its own clear button. */

import { h } from '../dom.js';
import { t } from '../strings.js';
import { iconButton } from './controls.js';
import { icon } from './icon.js';

export function searchField(value, onChange, label) {
  const empty = () => {
    onChange('');
    document.getElementById('search').focus();
  };
  return h('div', { class: 'search', key: 'search' },
    icon('search'),
    h('input', {
      id: 'search',
      class: 'field',
      type: 'search',
      value,
      placeholder: label,
      'aria-label': label,
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: (event) => onChange(event.target.value),
    }),
    value ? iconButton('close', t('models.clear_search'), empty, { key: 'clear' }) : null);
}
