/** Limits on what a file may hold; `read` and all that decodes refuse more with a KmcLimitError. */
export interface Limits {
  /** Pixels, in all frames together; 2 ** 28 by default. */
  maxPixels?: number;
  /** Bytes of metadata, unpacked; 2 ** 26 by default. */
  maxMetadata?: number;
}

export interface DecodeOptions extends Limits {
  /** The frame to decode, 0 by default. */
  frame?: number;
}

export interface WorkerOptions {
  /** Its abort ends the decoding; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** The bytes of a file. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** The frames of a file; a still picture has one. */
export interface Frames {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** Milliseconds for each frame; null for a file that is no animation. */
  readonly durations: readonly (number | null)[];
  /** How often all frames are shown; 0 is forever. */
  readonly loop: number;
  /** The pixels of a frame. Throws RangeError if there is none of this number. */
  frame(number: number): ImageData;
}

/**
 * The pixels of a file as red, green, blue and straight alpha. Where there is no class `ImageData`,
 * as in Node, the result is a plain object with the same members: `data` (a Uint8ClampedArray),
 * `width`, `height` and `colorSpace`.
 */
export function decode(bytes: Bytes, options?: DecodeOptions): ImageData;
/** The frames of a file. */
export function decodeFrames(bytes: Bytes, limits?: Limits): Frames;
/** As `decode`, in a worker. */
export function decodeInWorker(
  bytes: Bytes,
  options?: DecodeOptions & WorkerOptions,
): Promise<ImageData>;
/** As `decodeFrames`, in a worker. */
export function decodeFramesInWorker(
  bytes: Bytes,
  options?: Limits & WorkerOptions,
): Promise<Frames>;

/** A file that is refused. */
export class KmcError extends Error {
  constructor(reason: string, offset: number);
  /** One sentence; `message` also tells the offset. */
  readonly reason: string;
  /** The byte of the file at which the fault was found. */
  readonly offset: number;
}
/** More pixels or metadata than the limits allow; the file may well be right. */
export class KmcLimitError extends KmcError {}
/** A file of another format. */
export class KmcForeignError extends KmcError {}

export interface Header {
  readonly version: number;
  readonly coding: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  /** Of the palette; of the first, if scenes have palettes of their own. */
  readonly entries: number;
  readonly rowsPerStrip: number;
  readonly hasSections: boolean;
  readonly paletteCoded: boolean;
  readonly hasFrames: boolean;
  /** Whether the palette is the ramp, which files need not store. */
  readonly isRamp: boolean;
}

export interface Scene {
  readonly firstFrame: number;
  readonly frames: number;
  readonly interleaved: boolean;
  readonly entries: number;
  readonly paletteCoded: boolean;
  readonly palette: Uint8Array;
}

/** What the pixels of an array of labels stand for. */
export interface Labels {
  /** As NumPy writes it, such as `<u2`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** 0, or in how many bytes each label is stored: the image is a stack of that many greys. */
  readonly planes: number;
  /** The labels of the entries from dark to bright; with planes the least label alone. */
  readonly values: readonly bigint[];
}

/** All that a file holds. */
export interface KmcImage {
  readonly header: Header;
  /** The channels of an entry after each other; of the first scene. */
  readonly palette: Uint8Array;
  /** Row by row, one frame after the other. */
  readonly indices: Uint8Array | Uint16Array;
  /** null if the file has no frame table. */
  readonly frames: {
    readonly count: number;
    /** Milliseconds: one for all frames, or one for each. */
    readonly durations: readonly number[];
    readonly loop: number;
    readonly interleaved: boolean;
    readonly hasScenes: boolean;
  } | null;
  readonly scenes: readonly Scene[];
  readonly strips: readonly {
    readonly firstRow: number;
    readonly rows: number;
    readonly offset: number;
    readonly length: number;
    readonly crc: number;
  }[];
  readonly sections: readonly {
    readonly type: string;
    readonly offset: number;
    readonly length: number;
  }[];
  readonly metadata: {
    readonly icc: Uint8Array | null;
    readonly exif: Uint8Array | null;
    readonly xmp: Uint8Array | null;
    readonly text: ReadonlyMap<string, string>;
    readonly labels: Labels | null;
  };
  /** How many bytes each part of the file takes. */
  readonly parts: Readonly<
    Record<'total' | 'palette' | 'indices' | 'metadata' | 'container', number>
  >;
}

export const LIMITS: Readonly<Required<Limits>>;
/** Read a file: palette, indices, metadata. */
export function read(bytes: Uint8Array, limits?: Limits): KmcImage;
/** Read the header alone, from the first 28 bytes of a file or more. */
export function readHead(bytes: Uint8Array, limits?: Limits): Header;
export function frameCount(image: KmcImage): number;
/** Milliseconds; null if the file has no frame table. */
export function frameDuration(image: KmcImage, number: number): number | null;
/** One frame as an image, with its own palette; its indices are a view, not a copy. */
export function frameOf(image: KmcImage, number: number): KmcImage;
/** Which of the scenes a frame is in. */
export function sceneNumber(image: KmcImage, number: number): number;
/** The entries of a palette as red, green, blue and straight alpha. */
export function paletteRGBA(palette: Uint8Array, channels: number): Uint8ClampedArray<ArrayBuffer>;
/** The pixels of a frame as red, green, blue and straight alpha. */
export function toRGBA(image: KmcImage, frame?: number): Uint8ClampedArray<ArrayBuffer>;
/**
 * A PNG: with the palette and indices of the file if it has one palette of at most 256 entries, else
 * with 8 bits of red, green, blue and alpha. Several frames make an animated PNG, unless it is to be
 * `still`. Profiles for RGB are kept, other metadata is not.
 */
export function toPNG(image: KmcImage, options?: { still?: boolean }): Promise<Blob>;
