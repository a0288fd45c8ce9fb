// What workers run.

import { serve } from './work.js';

serve(globalThis);
