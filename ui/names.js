/* Account names in what the app tells beside the snapshot: log lines, findings, refusals.

   The snapshot itself is cleaned when it comes (`derive.js`); this remembers with what, so that
   nothing that is drawn later can show a name that is hidden. */

import { hider, withoutNames } from './derive.js';

let hide = (value) => value;

/** The snapshot as it may be shown. `own` and `other(n)` stand for names. */
export function shown(snapshot, own, other) {
  const hidden = snapshot.settings.hide_name;
  hide = hidden ? hider(snapshot.auth, own, other) : (value) => value;
  return hidden ? withoutNames(snapshot, own, other) : snapshot;
}

/** A text, or all texts in a value, without names where they are hidden. */
export const hideNames = (value) => hide(value);

/** An answer of the app: only what is said to people, never a value that is used. */
export function spoken(answer) {
  const clean = { ...answer };
  for (const part of ['message', 'fields', 'checks', 'check']) {
    if (part in clean) clean[part] = hide(clean[part]);
  }
  return clean;
}
