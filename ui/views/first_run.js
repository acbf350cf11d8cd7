/* First run: what this is, and the fair-use notice before anything else happens. */

import * as actions from '../actions.js';
import { button } from '../components/controls.js';
import { glyph } from '../components/glyph.js';
import { icon } from '../components/icon.js';
import { h } from '../dom.js';
import { t } from '../strings.js';

export function firstRunView(snapshot, local) {
  const { auth } = snapshot;
  const here = ['signed_in', 'checking'].includes(auth.state);
  const busy = Boolean(local.busy.accept_notice);
  const environment = auth.source === 'environment';
  const words = environment ? 'use_environment' : here ? 'start_signed_in' : 'continue';
  return h('div', { class: 'column narrow', key: 'first_run' },
    h('div', { class: 'head-words' },
      h('div', { class: 'first-brand' }, glyph(snapshot.headline.glyph, 'small'), t('app.name')),
      h('h1', { class: 'title', tabindex: '-1' }, t('first_run.title')),
      h('p', { class: 'lead' }, t('first_run.body'))),
    h('section', { class: 'card notice', 'aria-labelledby': 'fair-use' },
      icon('info', 18),
      h('div', null,
        h('h2', { class: 'heading', id: 'fair-use' }, t('first_run.fair_use_title')),
        h('p', { class: 'lead' }, t('first_run.fair_use')))),
    h('div', { class: 'under-card' },
      button(t(`first_run.${words}`), () => actions.acceptNotice(!here && !environment), {
        look: 'primary', busy, id: 'accept',
      }),
      h('span', { class: 'grow' }),
      here ? null : button(t('first_run.enterprise'), () => actions.openSheet('enterprise'), {
        look: 'ghost', edge: true,
      })));
}
