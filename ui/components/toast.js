/* One line at the bottom for results of the user's own actions that no part of the view shows. */

import { holdToast } from '../actions.js';
import { h } from '../dom.js';
import { icon } from './icon.js';

const ICON = { error: 'error', warn: 'warning', info: 'check' };

export function toastView(toast) {
  return h('div', {
    class: `toast-inside ${toast.level}`,
    onmouseenter: () => holdToast(true),
    onmouseleave: () => holdToast(false),
  }, icon(ICON[toast.level] || 'info'), h('span', { class: 'selectable' }, toast.text));
}
