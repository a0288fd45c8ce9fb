// CRC-32 as in PNG, gzip and zlib (kmc-1.md, section 1).

const TABLE = new Int32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  }
  TABLE[byte] = remainder;
}

/** The CRC-32 of the bytes of several arrays, one after the other. */
export function crc32(...parts) {
  let crc = -1;
  for (const bytes of parts) {
    for (let i = 0; i < bytes.length; i += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]) & 255];
  }
  return ~crc >>> 0;
}
