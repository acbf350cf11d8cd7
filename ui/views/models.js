/* Models: what this account can ask, searched and filtered; one row opens the panel at the side. */

import * as actions from '../actions.js';
import {
  button, card, copyButton, emptyState, iconButton, pill, select, skeleton, toggle,
} from '../components/controls.js';
import { icon } from '../components/icon.js';
import { usable } from '../derive.js';
import { h } from '../dom.js';
import { number, timeOfDay, tokens } from '../format.js';
import { changed, setLocal, state } from '../store.js';
import { listed, t } from '../strings.js';
import { nobody } from './nobody.js';

const ENDPOINT = {
  '/chat/completions': 'chat', '/responses': 'responses', '/v1/messages': 'messages', '/embeddings': 'embeddings',
};
const LEVEL = {
  ready: 'ok', auto: 'info', preview: 'info', needs_approval: 'warn', blocked: 'bad', hidden: 'neutral', used_up: 'bad',
};

const AT_ONCE = 30; // rows that are drawn with the screen: more than the window holds
const ROW = 50; // about a row's height in px, so that the scroll position holds until all are there
let whole = false;

/* The other rows come in the frame after the first ones, so that a long list opens at once. */
document.addEventListener('arrived', () => {
  whole = false;
  if (document.getElementById('main').dataset.screen !== 'models') return;
  requestAnimationFrame(() => setTimeout(() => { whole = true; changed(); }));
});

export function modelsView(snapshot, local) {
  const { models, auth } = snapshot;
  const shown = filterModels(models.items, local.models);
  return h('div', { class: 'column', key: 'models' },
    h('div', { class: 'page-head' },
      h('h1', { class: 'title', tabindex: '-1' }, t('models.title')),
      models.items.length ? h('span', { class: 'caption', role: 'status' }, countWords(models, shown)) : null,
      usable(auth) ? button(t('action.refresh'), actions.refreshModels, {
        small: true, busy: Boolean(local.busy.refresh_models), id: 'refresh',
      }) : null),
    models.items.length ? [toolbar(models, local), savedNote(models), list(shown, snapshot, local)]
      : nothing(models, auth, local));
}

/** The models that pass search and filters, in the app's order. */
function filterModels(items, { q, vendor, ready, cost }) {
  const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((model) => {
    const text = [model.name, model.id, model.vendor, ...(model.aliases || [])].join(' ').toLowerCase();
    return words.every((word) => text.includes(word))
      && (!vendor || model.vendor === vendor)
      && (!ready || ['ready', 'preview', 'auto'].includes(model.state))
      && (!cost || (model.cost && model.cost.kind === cost));
  });
}

function countWords(models, shown) {
  const n = models.items.length;
  if (shown.length !== n) return t('models.count_shown', { shown: shown.length, n });
  if (!models.fetched_at) return t('models.count_bare', { n });
  return t('models.count', { n, time: timeOfDay(models.fetched_at) });
}

const setFilter = (part) => setLocal({ models: { ...state.local.models, ...part } });

function toolbar(models, local) {
  const { q, vendor, ready, cost } = local.models;
  const vendors = [...new Set(models.items.map((model) => model.vendor).filter(Boolean))].sort();
  return h('div', { class: 'toolbar', role: 'search', key: 'toolbar' },
    h('div', { class: 'search' }, icon('search'),
      h('input', {
        id: 'search',
        class: 'field',
        type: 'search',
        value: q,
        placeholder: t('models.search'),
        'aria-label': t('models.search'),
        autocomplete: 'off',
        spellcheck: 'false',
        oninput: (event) => setFilter({ q: event.target.value }),
      }),
      q ? iconButton('close', t('models.clear_search'), clearSearch, { key: 'clear' }) : null),
    select('vendor', vendor, [['', t('models.all_vendors')], ...vendors.map((name) => [name, name])],
      (value) => setFilter({ vendor: value }), { label: t('models.vendor') }),
    h('span', { class: 'switch-line' },
      h('span', { id: 'ready-label' }, t('models.only_ready')),
      toggle('only-ready', ready, (on) => setFilter({ ready: on }), { labelled: 'ready-label' })),
    cost ? h('span', { class: 'switch-line', key: 'cost' },
      pill('info', t('models.cost.included')),
      iconButton('close', t('models.clear_search'), () => setFilter({ cost: '' }))) : null);
}

function clearSearch() {
  setFilter({ q: '' });
  document.getElementById('search').focus();
}

function savedNote(models) {
  if ((models.state !== 'stale' && models.state !== 'cached') || !models.fetched_at || !models.error) return null;
  return h('p', { class: 'note-line', key: 'saved' },
    icon('info'), t('models.saved_list', { time: timeOfDay(models.fetched_at) }));
}

// --- table -------------------------------------------------------------------------------------

const COLUMNS = ['model', 'vendor', 'cost', 'context', 'can', 'works', 'state'];
const HEADS = { works: 'works_with' };

function list(shown, snapshot, local) {
  if (!shown.length) {
    const { q } = local.models;
    return h('div', { key: 'none' }, card(null, null, emptyState(null,
      q ? t('models.no_match', { q }) : t('models.no_match_filter'),
      button(t('models.clear_search'), () => setFilter({ q: '', vendor: '', ready: false, cost: '' }), { look: 'ghost' }))));
  }
  const usedUp = snapshot.usage.meters.some((meter) => meter.exhausted && meter.kind === 'metered');
  return h('section', { class: 'card table-card models-card', key: 'list', 'aria-label': t('models.title') },
    h('table', { class: 'table models' },
      h('colgroup', null, COLUMNS.map((name) => h('col', { key: name, class: `col-${name}` }))),
      h('thead', null, h('tr', null, COLUMNS.map((name) => (
        h('th', { key: name, scope: 'col', class: `col-${name}` }, t(`models.col.${HEADS[name] || name}`)))))),
      h('tbody', { onkeydown: moveInRows }, shown.slice(0, whole ? Infinity : AT_ONCE).map((model) => row(model, local, usedUp)),
        whole || shown.length <= AT_ONCE ? null : h('tr', { key: 'room', 'aria-hidden': 'true' },
          h('td', { colspan: COLUMNS.length, sized: { height: `${(shown.length - AT_ONCE) * ROW}px` } })))));
}

function row(model, local, usedUp) {
  const selected = local.models.selected === model.id;
  const open = () => setFilter({ selected: selected ? null : model.id });
  const modelState = usedUp && isCounted(model) && model.state === 'ready' ? 'used_up' : model.state;
  return h('tr', { key: model.id, class: selected ? 'selected' : null, onclick: open },
    h('td', { class: 'col-model' },
      h('button', {
        type: 'button', class: 'row-button', 'data-row': model.id, 'aria-expanded': selected ? 'true' : 'false', 'aria-controls': 'panel',
      },
      h('span', { class: 'model-name', title: model.name || model.id }, model.name || model.id),
      h('span', { class: 'model-id', title: model.id }, model.id))),
    h('td', { class: 'col-vendor' }, h('span', { class: 'small-words' }, model.vendor)),
    h('td', { class: 'col-cost' }, costWords(model.cost)),
    h('td', { class: 'col-context' }, tokens(model.context)),
    h('td', { class: 'col-can' }, h('span', { class: 'small-words' }, canWords(model))),
    h('td', { class: 'col-works' }, h('span', { class: 'small-words' }, endpointWords(model))),
    h('td', { class: 'col-state' }, pill(LEVEL[modelState] || 'neutral', t(`models.state.${modelState}`))));
}

const isCounted = (model) => Boolean(model.cost) && (model.cost.kind === 'multiplier' || model.cost.kind === 'tokens');

export function costWords(cost) {
  if (!cost) return t('models.cost.unknown');
  if (cost.kind === 'multiplier') return t('models.cost.multiplier', { n: number(cost.multiplier, 2) });
  return t(`models.cost.${cost.kind}`);
}

const joined = (words) => (words.length ? listed(words) : t('models.panel.nothing'));

export const canWords = (model) => joined([
  model.tools ? t('models.can.tools') : null,
  model.vision ? t('models.can.images') : null,
  model.reasoning ? t('models.can.reasoning') : null,
].filter(Boolean));

export const endpointWords = (model) => joined((model.endpoints || [])
  .map((path) => ENDPOINT[path]).filter(Boolean).map((name) => t(`models.endpoint.${name}`)));

/** Arrow keys move between rows; the copy key copies the id of the row in focus. */
export function moveInRows(event) {
  const rows = [...event.currentTarget.querySelectorAll('.row-button')];
  const index = rows.indexOf(document.activeElement);
  if (index < 0) return;
  const page = 10;
  const target = {
    ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1, PageDown: index + page, PageUp: index - page,
  }[event.key];
  if (target !== undefined) {
    event.preventDefault();
    const next = rows[Math.min(rows.length - 1, Math.max(0, target))];
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  }
}

// --- no list -----------------------------------------------------------------------------------

function nothing(models, auth, local) {
  if (!usable(auth) && auth.state !== 'unknown') return nobody(auth, 'models.signed_out_title');
  if (models.error) {
    const message = models.error.message || '';
    return card(null, null, emptyState(t('models.error_title'), message,
      button(t('action.try_again'), actions.refreshModels, { look: 'primary', busy: Boolean(local.busy.refresh_models) }),
      copyButton('models-details', `${models.error.kind}: ${message}`, t('action.details'), {
        label: t('action.copy_details'), look: 'ghost', small: false,
      })));
  }
  if (models.state === 'ready' || models.state === 'stale') {
    return card(null, null, emptyState(t('models.empty_title'), t('models.empty_body'),
      button(t('action.try_again'), actions.refreshModels, { look: 'primary', busy: Boolean(local.busy.refresh_models) }),
      button(t('models.check_account'), actions.checkAccount, { look: 'ghost' })));
  }
  return card(null, null, skeleton(8, t('models.loading')));
}
