/* The one sheet of an editor and its faces: why, choose, check, done, undo.

   It keeps its place and size while the faces change, so that a person sees one thing going on. */

import * as actions from '../actions.js';
import { button, copyButton, select } from '../components/controls.js';
import { icon } from '../components/icon.js';
import { written } from '../derive.js';
import { h } from '../dom.js';
import {
  back, check, choose, copyFor, copyStep, editorOf, leave, startConnecting, startUndoing, startUpdating, test, textFor, undo, write,
} from '../editing.js';
import { exact, timeOfDay, dayAndMonth } from '../format.js';
import { has, t } from '../strings.js';
import { doneAs, editorPill } from './editor_state.js';
import { cancelSheet, offerSheet, sheetFrame } from './sheets.js';

const STEPS = ['choose', 'check', 'done'];
const FACES = { why: whyFace, choose: chooseFace, check: checkFace, done: doneFace, undo: undoFace };

offerSheet('editor', (sheet, snapshot, local) => {
  const row = editorOf(snapshot, sheet.editor);
  if (!row) return null;
  const { title, body, content, buttons } = FACES[sheet.face](row, sheet, snapshot, local);
  return sheetFrame(title, body, [
    h('div', { class: 'sheet-wide', key: 'wide' }),
    STEPS.includes(sheet.face) ? steps(sheet.face) : null,
    content,
    sheet.error ? h('p', { class: 'field-error', role: 'alert', key: 'error' }, sheet.error) : null,
  ], buttons.filter(Boolean));
});

const steps = (now) => h('ol', { class: 'sheet-steps', key: 'steps', 'aria-label': t('editors.connect.steps') },
  STEPS.map((name, n) => h('li', {
    key: name, class: name === now ? 'now' : STEPS.indexOf(now) > n ? 'past' : null, 'aria-current': name === now ? 'step' : null,
  }, t(`editors.connect.${name}`))));

const closing = (options = {}) => button(t('action.close'), cancelSheet, { key: 'close', ...options });
const cancelling = (options = {}) => button(t('action.cancel'), cancelSheet, { key: 'cancel', ...options });
const when = (at) => `${dayAndMonth(at)}, ${timeOfDay(at)}`;

// --- why it is as it is ------------------------------------------------------------------------

function whyFace(row, sheet, snapshot, local) {
  return {
    title: row.name,
    body: null,
    content: [
      h('p', { key: 'pill' }, editorPill(row)),
      h('p', { key: 'why', class: 'why' }, whyWords(row, snapshot)),
      noteOf(row),
      row.steps.length && (row.way !== 'automatic' || row.state === 'connected') ? stepList(row, local) : null,
      facts(row),
      sheet.tested ? testedLine(sheet.tested) : null,
    ],
    buttons: whyButtons(row, sheet, local),
  };
}

function whyWords(row, { proxy }) {
  const { detail } = row;
  const fields = { ...detail, reason: actions.phrase(detail.code || detail.reason), name: row.name, now: String(proxy.port), path: detail.path || (row.paths || [])[0] };
  if (row.state === 'unreadable') return t(`editors.why.unreadable${detail.line ? '' : '_whole'}`, { ...fields, line: String(detail.line) });
  return t(`editors.why.${doneAs(row)}`, fields);
}

function stepList(row, local) {
  return h('ol', { class: 'hand-steps', key: 'hand-steps' }, row.steps.map((step, n) => {
    const id = `step-${row.id}-${n}`;
    return h('li', { key: n }, h('span', { class: 'hand-words selectable' }, t(`editors.steps.${row.id}.${step.text}`)),
      step.copy ? copyButton(id, () => copyStep(row, step.copy, id), t(`editors.copy.${step.copy}`), {
        prepare: ['key', 'model'].includes(step.copy) ? () => textFor(row.id, step.copy) : null,
      }) : null,
      byHand(local, id));
  }));
}

/** What to know about this tool, if there is something. */
const noteOf = ({ id }) => (has(`editors.note.${id}`) ? h('p', { class: 'caption', key: 'note' }, t(`editors.note.${id}`)) : null);

/** A text that could not be put on the clipboard: to be copied by hand. */
export function byHand({ editors }, id) {
  const { byHand: shown } = editors;
  if (!shown || shown.button !== id) return null;
  return h('pre', { class: 'code-block selectable', key: 'hand', 'data-copy-text': id }, shown.text);
}

function facts(row) {
  const { detail, at, backup } = row;
  const list = [
    written(row) && row.paths.length ? ['files', row.paths.map((path) => h('span', { class: 'path', key: path }, path))] : null,
    written(row) && at ? ['written', h('span', { title: exact(at) }, when(at))] : null,
    written(row) && backup ? ['backup', h('span', { class: 'path' }, backup)] : null,
    row.state === 'changed' && (detail.changed || []).length
      ? ['changed', detail.changed.map((place) => h('span', { class: 'path', key: place }, place))] : null,
  ].filter(Boolean);
  if (!list.length) return null;
  return h('dl', { class: 'facts', key: 'facts' }, list.map(([name, value]) => [
    h('dt', { key: `t-${name}` }, t(`editors.fact.${name}`)), h('dd', { key: `d-${name}`, class: 'selectable' }, value)]));
}

function whyButtons(row, sheet, local) {
  const testing = Boolean(local.busy.test_editor);
  const undoing = button(t('editors.act.connected'), () => startUndoing(row), { key: 'undo' });
  const leaving = (options) => button(t('editors.changed.leave'), () => leave(row), { key: 'leave', ...options });
  switch (doneAs(row)) {
    case 'connected': return [closing(), undoing, testButton(testing, { first: true })];
    case 'old_port': case 'old_key':
      return [closing(), undoing, button(t('editors.act.old_port'), () => startUpdating(row), { look: 'primary', first: true, key: 'go' })];
    case 'changed': return [
      leaving({ first: true }), undoing,
      button(t('editors.changed.again'), () => startUpdating(row), { look: 'primary', key: 'go' })];
    case 'overridden': return [closing({ first: true }), undoing];
    case 'unreadable': case 'read_only': return [
      closing(), written(row) ? leaving() : null, linesButton(row, { first: true, label: t('editors.copy.lines') })];
    case 'by_hand': return [closing({ first: !row.steps.length }), testButton(testing, { first: row.steps.length > 0 })];
    case 'impossible': return [closing({ first: true })];
    default: return row.way === 'automatic'
      ? [closing(), button(t(`editors.act.${row.state}`), () => startConnecting(row), { look: 'primary', first: true, key: 'go' })]
      : [closing({ first: true })];
  }
}

function linesButton(row, { first = false, label = t('editors.connect.copy_lines') } = {}) {
  const id = `lines-${row.id}`;
  return copyButton(id, () => copyFor(row.id, 'lines', id, t('editors.connect.lines', { name: row.name })), t('editors.connect.lines', { name: row.name }), {
    label, small: false, key: 'lines', prepare: () => textFor(row.id, 'lines'), first,
  });
}

// --- connecting --------------------------------------------------------------------------------

function chooseFace(row, sheet, snapshot, local) {
  const models = snapshot.models.items.filter((model) => model.kind === 'chat' && ['ready', 'preview', 'auto'].includes(model.state));
  const busy = Boolean(local.busy.preview_editor);
  return {
    title: t('editors.connect.title', { name: row.name }),
    body: row.roles.length ? t('editors.connect.body', { name: row.name }) : t('editors.connect.nothing_to_choose', { name: row.name }),
    content: [
      row.roles.map((role, n) => roleLine(role, sheet, models, n === 0)),
      row.roles.length && !models.length ? h('p', { class: 'caption', key: 'none' }, t('editors.connect.no_models')) : null,
      noteOf(row),
      snapshot.proxy.key_required ? h('p', { class: 'caption', key: 'key' }, t('editors.connect.own_key', { name: row.name, id: row.id })) : null,
    ],
    buttons: [cancelling(), button(t('editors.connect.go_on'), check, { look: 'primary', busy, first: true, key: 'go' })],
  };
}

function roleLine(role, sheet, models) {
  const allowed = role.models ? models.filter((model) => role.models.includes(model.id)) : models;
  const value = (sheet.chosen || {})[role.name] || '';
  const choices = allowed.map((model) => [model.id, model.name || model.id]);
  if (value && !choices.some(([id]) => id === value)) choices.unshift([value, value]);
  if (!value) choices.unshift(['', '–']);
  return h('div', { class: 'role-line', key: `role-${role.name}` },
    h('label', { class: 'strong', for: `role-${role.name}` }, t(`editors.role.${role.name}`)),
    select(`role-${role.name}`, value, choices, (model) => choose(role.name, model)));
}

function checkFace(row, sheet, snapshot, local) {
  const { preview } = sheet;
  const nothing = preview.files.every((file) => !file.lines.some(([sign]) => sign !== ' '));
  const go = nothing ? closing({ look: 'primary', first: true })
    : button(t('editors.connect.write', { n: preview.count }), write, {
      look: 'primary', first: true, key: 'go', busy: Boolean(local.busy.connect_editor),
    });
  return {
    title: t('editors.connect.title', { name: row.name }),
    body: t(nothing ? 'editors.connect.nothing' : 'editors.connect.exactly'),
    content: [nothing ? null : preview.files.map(fileDiff), byHand(local, `lines-${row.id}`)],
    buttons: [
      nothing ? null : cancelling(),
      row.roles.length ? button(t('action.back'), back, { key: 'back' }) : null,
      nothing ? null : linesButton(row), go],
  };
}

/** The exact lines of one file, each with its sign; secrets came masked. */
function fileDiff(file) {
  return h('div', { class: 'diff', key: file.path },
    h('div', { class: 'diff-head' },
      h('span', { class: 'path selectable' }, file.path),
      h('span', { class: 'caption' }, file.new ? t('editors.connect.new_file')
        : file.backup ? t('editors.connect.backup', { name: file.backup }) : null)),
    h('div', { class: 'diff-lines selectable', role: 'group', tabindex: '0', 'aria-label': file.path },
      file.lines.map(([sign, text], n) => h('div', { key: n, class: { '+': 'diff-line plus', '-': 'diff-line minus' }[sign] || 'diff-line' },
        h('span', { class: 'diff-sign' }, sign === '-' ? '−' : sign), h('span', { class: 'diff-text' }, text)))));
}

function doneFace(row, sheet, snapshot, local) {
  const testing = Boolean(local.busy.test_editor);
  return {
    title: t('editors.connect.title', { name: row.name }),
    body: null,
    content: [
      h('p', { class: 'with-icon done-line', key: 'done' }, icon('check'), h('span', { class: 'strong' }, t('editors.connect.written', { name: row.name }))),
      h('p', { key: 'after' }, t(`editors.connect.${sheet.after === 'restart' ? 'restart' : 'new_session'}`, { name: row.name })),
      row.steps.length ? stepList(row, local) : null,
      sheet.tested ? testedLine(sheet.tested) : h('p', { class: 'caption', key: 'test' }, t(testing ? 'editors.connect.testing' : 'editors.connect.test_help')),
    ],
    buttons: [testButton(testing), closing({ look: 'primary', first: true })],
  };
}

const testButton = (busy, options = {}) => button(t('editors.connect.test'), test, { busy, key: 'test', ...options });

const testedLine = ({ ok, words }) => h('p', { class: ok ? 'tested ok' : 'tested bad', role: 'status', key: 'tested' },
  icon(ok ? 'check' : 'warning'), h('span', null, words));

// --- undoing -----------------------------------------------------------------------------------

function undoFace(row, sheet, snapshot, local) {
  const { undoing } = sheet;
  const n = undoing ? undoing.back.length : 0;
  const stay = undoing ? undoing.stay.length : 0;
  return {
    title: t('editors.undo.title', { name: row.name }),
    body: !undoing ? null : n ? t('editors.undo.back', { n }) : t('editors.undo.nothing'),
    content: undoing ? [
      n ? places(undoing.back, 'back') : null,
      stay ? h('p', { class: 'sheet-body', key: 'stay' }, t('editors.undo.stay', { n: stay })) : null,
      stay ? places(undoing.stay, 'staying') : null,
    ] : h('div', { class: 'skeleton', key: 'wait' }, h('span', { class: 'bone' }), h('span', { class: 'bone' })),
    buttons: [
      cancelling({ first: true }),
      button(t('editors.undo.confirm'), () => undo(row), {
        look: 'primary', key: 'go', off: !undoing, busy: Boolean(local.busy.undo_editor),
      })],
  };
}

/** Files, and below each the places in it. */
function places(list, key) {
  const files = new Map();
  for (const each of list) {
    const [path, place] = Array.isArray(each) ? each : ['', each];
    files.set(path, [...(files.get(path) || []), place]);
  }
  return h('div', { class: 'places', key, role: 'group', tabindex: '0', 'aria-label': t('editors.fact.files') }, [...files].map(([path, inside]) => h('div', { key: path },
    path ? h('p', { class: 'path strong' }, path) : null,
    h('ul', null, inside.map((place) => h('li', { key: place, class: 'path' }, place))))));
}
