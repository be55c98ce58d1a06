import { randomInt } from 'node:crypto';

const escapeName = (text: string): string => text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
const normalizeLines = (text: string): string => text.replaceAll(/\r?\n|\r/g, '\r\n');

/** A form as multipart/form-data (RFC 7578, as the HTML standard encodes it). Files are not copied: the blob refers to them. */
export function encodeFormData(form: FormData): { blob: Blob; type: string } {
  const boundary = `----formdata-tsumugi-${String(randomInt(1e11)).padStart(11, '0')}`;
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(normalizeLines(name))}"`;
    if (typeof value === 'string') {
      parts.push(`${disposition}\r\n\r\n${normalizeLines(value)}\r\n`);
    } else {
      const file = value.name ? `; filename="${escapeName(value.name)}"` : '';
      parts.push(`${disposition}${file}\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`, value, '\r\n');
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return { blob: new Blob(parts), type: `multipart/form-data; boundary=${boundary}` };
}
