/* Diagnostics: what was found in the last look, a button where one helps, and the report.

   The sentences come from the app, which knows what was found; buttons do what they do elsewhere. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import { announce } from '../announce.js';
import { button, card, pill } from '../components/controls.js';
import { h } from '../dom.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { showOutgoing } from './outgoing.js';
import { cancelSheet, offerSheet, sheetFrame } from './sheets.js';

const LOOK = { ok: 'ok', look: 'warn', failed: 'bad' };

const DOES = {
  start_proxy: () => actions.startProxy(),
  use_port: (fields) => actions.usePort(fields.next),
  sign_in: () => actions.signIn(),
  store: () => actions.openSheet('store'),
  outgoing: () => showOutgoing(),
  open_logs: () => actions.perform('open_logs'),
  refresh_models: () => actions.refreshModels(),
};

export function diagnosticsCard(local) {
  const busy = Boolean(local.busy.diagnose);
  const checks = local.checks || [];
  const failed = checks.filter((check) => check.level === 'failed').length;
  return h('div', { key: 'diagnostics' }, card(
    { id: 'diagnostics', text: t('diagnostics.title') },
    h('div', { class: 'row-buttons' },
      checks.length ? button(t('diagnostics.save'), showReport, { key: 'save', busy: Boolean(local.busy.report) }) : null,
      button(t(checks.length ? 'diagnostics.run_again' : 'diagnostics.run'), diagnose, { key: 'run', id: 'diagnose', busy })),
    h('p', { class: 'caption' }, busy ? t('diagnostics.running')
      : checks.length ? outcome(failed) : t('diagnostics.help')),
    checks.length ? h('ul', { class: 'findings', 'aria-busy': busy ? 'true' : null }, checks.map(finding)) : null));
}

const outcome = (n) => (n ? t('diagnostics.trouble', { n }) : t('diagnostics.no_trouble'));

function finding(check) {
  const does = DOES[check.action];
  return h('li', { class: 'finding', key: check.id },
    h('span', { class: 'finding-level' }, pill(LOOK[check.level], t(`diagnostics.level.${check.level}`))),
    h('div', { class: 'finding-words' },
      h('p', { class: 'setting-name' }, t(`diagnostics.name.${check.id}`)),
      h('p', { class: 'caption selectable' }, check.words)),
    does ? button(t(`diagnostics.action.${check.action}`, check.fields), () => does(check.fields), { small: true }) : null);
}

export async function diagnose() {
  if (state.local.busy.diagnose) return;
  const answer = await actions.perform('diagnose');
  if (!answer.ok) return;
  setLocal({ checks: answer.checks });
  announce(outcome(answer.checks.filter((check) => check.level === 'failed').length));
}

// --- the report --------------------------------------------------------------------------------

async function showReport() {
  const answer = await actions.perform('report');
  if (answer.ok) actions.openSheet('report', { report: answer.id, text: answer.text });
}

offerSheet('report', (sheet, snapshot, local) => {
  const save = async () => {
    const answer = await act('save_report', { id: sheet.report });
    actions.closeSheet();
    if (answer.ok) actions.toast(t('diagnostics.report.saved', { path: answer.path }));
    else actions.toast(actions.sentence(answer), 'error');
  };
  return sheetFrame(t('diagnostics.report.title'), t('diagnostics.report.body'),
    h('pre', {
      class: 'code-block report', tabindex: '0', role: 'group', 'aria-label': t('diagnostics.report.text'),
    }, sheet.text), [
      button(t('action.cancel'), cancelSheet),
      button(t('diagnostics.report.save'), save, { look: 'primary', first: true, busy: Boolean(local.busy.save_report) }),
    ]);
});
