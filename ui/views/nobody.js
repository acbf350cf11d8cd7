/* What stands where only an account with Copilot has something, as long as there is none. */

import * as actions from '../actions.js';
import { button, card, emptyState } from '../components/controls.js';
import { t } from '../strings.js';

/** `title` for whoever is not signed in; an account without Copilot has its banner with the way on. */
export const nobody = (auth, title) => card(null, null, auth.state === 'no_access'
  ? emptyState(t('nav.no_access'))
  : emptyState(t(title), null, button(t('action.sign_in'), () => actions.signIn(), { look: 'primary' })));
