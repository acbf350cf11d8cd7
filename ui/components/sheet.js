/* The one <dialog>: opens when the page's or the app's state names a sheet, closes when it does not.

   The element gives the focus trap and hands focus back; which button is focused first is the
   view's choice (`data-focus-first`): the safe one when something would be lost. */

import { patch } from '../dom.js';

export function drawSheet(content, onCancel) {
  const dialog = document.getElementById('sheet');
  dialog.oncancel = (event) => {
    event.preventDefault();
    onCancel();
  };
  if (!content) {
    if (dialog.open) dialog.close();
    patch(dialog, []);
    return;
  }
  const inside = dialog.open && dialog.contains(document.activeElement);
  patch(dialog, content);
  // Another sheet took the place of this one.
  const lost = inside && !dialog.contains(document.activeElement);
  if (!dialog.open) dialog.showModal();
  else if (!lost) return;
  const first = dialog.querySelector('[data-focus-first]');
  if (first) first.focus();
  dialog.scrollTop = 0; // a long sheet is read from its top
}
