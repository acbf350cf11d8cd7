/* Buttons, switches, fields and the other small parts that every screen is made of. */

import { copyText } from '../copy.js';
import { h } from '../dom.js';
import { state } from '../store.js';
import { t } from '../strings.js';
import { icon } from './icon.js';

/** A button. `look`: primary, secondary, ghost or danger; `reason` says why it cannot be pressed. */
export function button(label, onPress, options = {}) {
  const { look = 'secondary', small = false, busy = false, off = false, reason, glyphName, label2 } = options;
  const dead = off || busy;
  return h('button', {
    type: 'button',
    key: options.key,
    id: options.id,
    class: `button ${look}${small ? ' small' : ''}${options.edge ? ' edge' : ''}`,
    'aria-disabled': dead ? 'true' : null,
    'aria-busy': busy ? 'true' : null,
    'aria-label': label2 || null,
    'aria-expanded': options.expanded === undefined ? null : String(options.expanded),
    'data-focus-first': options.first ? 'true' : null,
    title: reason || null,
    // A double click is one press.
    onclick: dead ? null : (event) => event.detail < 2 && onPress(event),
  }, busy ? h('span', { class: 'spinner', 'aria-hidden': 'true' }) : null,
  glyphName ? icon(glyphName) : null, h('span', null, label));
}

/** A button that holds only an icon; the label is its tooltip and its name. */
export function iconButton(name, label, onPress, options = {}) {
  return h('button', {
    type: 'button', key: options.key, class: 'button icon-only', 'aria-label': label, title: label, onclick: onPress,
  }, icon(name));
}

/** Copies `text` (a string, or a function that copies by itself) and says so for two seconds. */
export function copyButton(id, text, what, options = {}) {
  const done = state.local.copied === id;
  const press = typeof text === 'function' ? text : () => copyText(text, id, what);
  const { label = t('action.copy'), look = 'secondary', small = true } = options;
  // Both words lie on top of each other, so the width never changes.
  return h('button', {
    type: 'button',
    id: options.id,
    key: options.key,
    class: `button ${look}${small ? ' small' : ''} copy${done ? ' done' : ''}`,
    'aria-label': done ? t('action.copied_announce', { what }) : `${label}: ${what}`,
    'data-focus-first': options.first ? 'true' : null,
    onclick: press,
    onpointerenter: options.prepare || null,
    onpointerdown: options.prepare || null,
    onfocus: options.prepare || null,
  },
  h('span', { class: done ? 'under' : null }, label),
  h('span', { class: done ? 'with-icon' : 'with-icon under' }, icon('check'), t('action.copied')));
}

/** A pill always holds words. `level`: ok, warn, bad, info or neutral. */
export const pill = (level, text, props = {}) => h('span', { class: `pill ${level}`, ...props }, text);

/** An on/off switch with its name outside; `labelled` is the id of the name. */
export function toggle(id, on, onChange, options = {}) {
  return h('button', {
    type: 'button',
    id,
    role: 'switch',
    class: 'switch',
    'aria-checked': on ? 'true' : 'false',
    'aria-labelledby': options.labelled || null,
    'aria-describedby': options.described || null,
    'aria-label': options.label || null,
    'aria-disabled': options.off ? 'true' : null,
    title: options.reason || null,
    onclick: options.off ? null : () => onChange(!on),
  }, h('span', { class: 'thumb' }));
}

export function select(id, value, choices, onChange, options = {}) {
  return h('span', { class: 'select-box' }, h('select', {
    id,
    class: 'select',
    value,
    disabled: options.off || null,
    'aria-label': options.label || null,
    'aria-labelledby': options.labelled || null,
    'aria-describedby': options.described || null,
    onchange: (event) => onChange(event.target.value),
  }, choices.map(([key, text]) => h('option', { key: `o-${key}`, value: key }, text))), icon('chevron-down'));
}

/** A few choices side by side; arrow keys move between them. */
export function segmented(name, value, choices, onChange, options = {}) {
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = choices.findIndex(([key]) => key === value);
    const [next] = choices[(index + step + choices.length) % choices.length];
    onChange(next);
    event.currentTarget.querySelector(`[data-value="${next}"]`).focus();
  };
  return h('div', {
    class: 'segmented', role: 'radiogroup', 'aria-labelledby': options.labelled || null, 'aria-label': options.label || null, onkeydown: move,
  }, choices.map(([key, text]) => h('button', {
    type: 'button',
    role: 'radio',
    key: `${name}-${key}`,
    'data-value': key,
    'aria-checked': key === value ? 'true' : 'false',
    tabindex: key === value ? '0' : '-1',
    onclick: () => onChange(key),
  }, text)));
}

/** Rows of grey bars with the size of what will come; readers hear one sentence. */
export function skeleton(rows, words) {
  return h('div', { class: 'skeleton' },
    h('span', { class: 'spoken' }, words),
    Array.from({ length: rows }, () => h('span', { class: 'bone', 'aria-hidden': 'true' })));
}

/** Title, one sentence, buttons; left-aligned in its card. */
export function emptyState(title, body, ...buttons) {
  return h('div', { class: 'empty' },
    title ? h('p', { class: 'empty-title' }, title) : null,
    body ? h('p', { class: 'empty-body' }, body) : null,
    buttons.some(Boolean) ? h('div', { class: 'row-buttons' }, buttons) : null);
}

/** A card with a heading and an optional button at its right. */
export function card(heading, headButton, ...children) {
  const id = heading ? `card-${heading.id}` : undefined;
  return h('section', { class: 'card', 'aria-labelledby': id },
    heading ? h('div', { class: 'card-head' },
      h('h2', { id, class: 'heading' }, heading.text), headButton) : null,
    children);
}
