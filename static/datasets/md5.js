// MD5, which is what storage says of a part that it holds. It proves nothing against malice and need not: crypto.subtle
// has no MD5, and nothing at all without https.

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32));

/** @param {Uint8Array} bytes @returns {string} 32 hexadecimal digits (RFC 1321) */
export function md5(bytes) {
  const words = padded(bytes);
  const sums = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < words.length; at += 16) mix(sums, words, at);
  const digits = [...new Uint8Array(sums.buffer)];
  return digits.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function mix(sums, words, at) {
  let [a, b, c, d] = sums;
  for (let step = 0; step < 64; step++) {
    let mixed, word;
    if (step < 16) {
      mixed = (b & c) | (~b & d);
      word = step;
    } else if (step < 32) {
      mixed = (d & b) | (~d & c);
      word = (5 * step + 1) & 15;
    } else if (step < 48) {
      mixed = b ^ c ^ d;
      word = (3 * step + 5) & 15;
    } else {
      mixed = c ^ (b | ~d);
      word = (7 * step) & 15;
    }
    const sum = (a + mixed + SINES[step] + words[at + word]) | 0;
    const by = SHIFTS[((step >> 4) << 2) | (step & 3)];
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << by) | (sum >>> (32 - by)))) | 0;
  }
  sums[0] += a;
  sums[1] += b;
  sums[2] += c;
  sums[3] += d;
}

/** The message, a one, zeros, and its length in bits; in words as little-endian machines read them, which all are. */
function padded(bytes) {
  const whole = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  new DataView(whole.buffer).setBigUint64(whole.length - 8, BigInt(bytes.length) * 8n, true);
  return new Int32Array(whole.buffer);
}
