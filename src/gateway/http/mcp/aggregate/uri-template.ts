/** One part of a URI template (RFC 6570): text, and then what stands for anything. */
interface Part {
  readonly text: string;
  /** The expression after it, without its braces; undefined at the end. */
  readonly expression: string | undefined;
}

const maxLength = 2_048;

/**
 * Whether a URI could come of a template. In linear time, since both are other people's; where a template has several ways to
 * match, the shortest is taken for each part.
 */
export function fits(uri: string, template: string): boolean {
  if (template.length > maxLength || uri.length > maxLength) return false;
  const parts = partsOf(template);
  let at = 0;
  for (const [index, { text, expression }] of parts.entries()) {
    if (!uri.startsWith(text, at)) return false;
    at += text.length;
    if (expression === undefined) return at === uri.length;
    const next = parts[index + 1];
    const isLast = next === undefined || (next.expression === undefined && index + 2 >= parts.length);
    const end = isLast
      ? uri.length - (next?.text.length ?? 0)
      : uri.indexOf(next.text, at + (isSigned(expression) ? 0 : 1));
    if (end < at || !isValueOf(uri.slice(at, end), expression)) return false;
    at = end;
  }
  return at === uri.length;
}

function partsOf(template: string): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (;;) {
    const open = template.indexOf('{', from);
    const close = open < 0 ? -1 : template.indexOf('}', open);
    if (close < 0) return [...parts, { text: template.slice(from), expression: undefined }];
    parts.push({ text: template.slice(from, open), expression: template.slice(open + 1, close) });
    from = close + 1;
  }
}

function isSigned(expression: string): boolean {
  return /^[./;?&]/.test(expression);
}

/** Simple expressions are one segment of a path; `+` and `#` are anything; the others begin with their own sign, if they are there. */
function isValueOf(value: string, expression: string): boolean {
  const sign = expression.slice(0, 1);
  if (sign === '+' || sign === '#') return value !== '';
  if (isSigned(expression)) return value === '' || value.startsWith(sign);
  return value !== '' && !/[/?#]/.test(value);
}
