/** `<kmc-image src alt>`: what an img is for other formats. Importing this module defines it. */
export class KmcImage extends HTMLElement {
  src: string;
  alt: string;
  loading: 'eager' | 'lazy';
  crossOrigin: string | null;
  /** In CSS pixels as rendered; set, it is the attribute. */
  width: number;
  height: number;
  /** Of the image in the file; 0 until its header is there, and if it is broken. */
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly complete: boolean;
  readonly currentSrc: string;
  /** Why there was an `error` event, often a KmcError; null if there was none. */
  readonly error: Error | null;
  /** Settles when the image is shown or broken. */
  decode(): Promise<void>;
}

declare global {
  interface HTMLElementTagNameMap {
    'kmc-image': KmcImage;
  }
}
