// The script in one file: it defines the element, or is a worker of the page that did.

/* global purpose */

import { define } from './element.js';
import { serve } from './work.js';

if (purpose === 'worker') serve(globalThis);
else define();
