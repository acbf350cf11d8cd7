/* Names of keys on this kind of machine. */

import { t } from './strings.js';

export const isMac = () => navigator.platform.startsWith('Mac');
export const modifier = () => t(isMac() ? 'nav.mod_mac' : 'nav.mod');
