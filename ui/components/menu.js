/* The menu of the second mouse button: copies what is selected, or the text under the pointer.

   It closes with Escape, with Tab, and when the focus goes elsewhere. */

import { copyText } from '../copy.js';
import { h, patch } from '../dom.js';
import { t } from '../strings.js';

const TEXTS = '.selectable, .address-text, .mono, .code, .code-block, [data-copy-text]';

export function openMenu(event) {
  closeMenu();
  const text = copyable(event.target);
  if (!text) return;
  const menu = document.createElement('div');
  menu.id = 'menu';
  menu.className = 'menu';
  menu.setAttribute('role', 'menu');
  // Inside a sheet everything outside it cannot be pressed.
  (event.target.closest('dialog') || document.body).append(menu);
  const before = document.activeElement;
  const close = () => {
    menu.removeEventListener('focusout', closeMenu); // taking it away moves the focus
    menu.remove();
    if (before && before.isConnected) before.focus({ preventScroll: true });
  };
  patch(menu, h('button', {
    type: 'button',
    role: 'menuitem',
    class: 'button ghost small',
    onclick: () => { close(); copyText(text, 'menu', t('action.text')); },
  }, t('action.copy')));
  menu.addEventListener('keydown', (press) => {
    if (press.key !== 'Escape' && press.key !== 'Tab') return;
    press.preventDefault(); // else Escape closes what lies below as well
    press.stopPropagation();
    close();
  });
  menu.addEventListener('focusout', closeMenu);
  place(menu, event);
  menu.firstChild.focus({ preventScroll: true });
}

function closeMenu() {
  const menu = document.getElementById('menu');
  if (menu) menu.remove();
}

/** What is selected, else the whole of a text that is made to be copied. */
function copyable(target) {
  const chosen = String(getSelection()).trim();
  if (chosen) return chosen;
  const row = target.closest('[data-row]');
  const text = target.closest(TEXTS);
  return text ? text.textContent.trim() : row ? row.dataset.row : '';
}

/** Beside the pointer, inside the window; from the keyboard below the text. */
function place(menu, event) {
  const box = event.target.getBoundingClientRect();
  const [x, y] = event.clientX || event.clientY ? [event.clientX, event.clientY] : [box.left, box.bottom];
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - menu.offsetHeight - 4))}px`;
}
