// Importing this makes <kmc-image> known; image.d.ts describes it.

import { define, KmcImage } from './page/element.js';

define();

export { KmcImage };
