/* The way to the setting of how GitHub is reached, which lies far down its screen. */

import * as actions from '../actions.js';

export function showOutgoing() {
  document.addEventListener('arrived', () => {
    const there = document.getElementById('outgoing-test');
    if (!there) return;
    there.scrollIntoView({ block: 'center' });
    there.focus({ preventScroll: true });
  }, { once: true });
  actions.go('settings');
}
