/** The checksum that control calls and their tools both compute: FNV-1a over text, continued from `sum`. */
export function checksum(sum: number, text: string): number {
  let hash = (sum ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
